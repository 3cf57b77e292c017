import Glibc
import PushServer
import WSLoop

/// Why the server did not start, and what to do.
struct StartFailure: CustomStringConvertible {
    let description: String

    init(_ error: SystemError, _ configuration: ServerConfiguration) {
        let isAddress = { (address: ListenAddress) in
            address.socketAddress.map { error.operation == "listen on \($0)" } ?? false
        }
        let isForAdmin = configuration.admin.contains(where: isAddress)
        guard let address = (configuration.listen + configuration.admin).first(where: isAddress)?.socketAddress else {
            description = error.description
            return
        }
        let option = isForAdmin ? "--admin" : "--listen"
        let remedy = StartFailure.remedy(error.code, address, option).map { "; \($0)" } ?? ""
        description = "\(option): cannot \(error)\(remedy)"
    }

    private static func remedy(_ code: Int32, _ address: SocketAddress, _ option: String) -> String? {
        guard let port = address.port else {
            return [EACCES, ENOENT].contains(code)
                ? "its directory must exist, and pushd be allowed to write there" : nil
        }
        switch code {
        case EADDRINUSE:
            return "something else listens there (see ss -ltnp); try \(option) \(port < .max ? port + 1 : 8082)"
        case EADDRNOTAVAIL: return "this machine has no such address (see ip address)"
        case EACCES where port < 1024:
            return "a port below 1024 needs CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), "
                + "or choose one above 1023"
        default: return nil
        }
    }
}
