import Access
import PushServer
import RedisBridge
import WSLoop

/// The line for the operator about a server that has just started.
struct StartLine: CustomStringConvertible {
    private let server: Server
    private let configuration: ServerConfiguration
    private let addresses: [SocketAddress]

    /// - Parameter addresses: the bound addresses.
    init(_ server: Server, _ configuration: ServerConfiguration, _ addresses: [SocketAddress]) {
        self.server = server
        self.configuration = configuration
        self.addresses = addresses
    }

    var description: String {
        [
            "pushd \(Server.version) serves \(addresses.map(\.description).joined(separator: ", "))",
            "broker: \(configuration.broker)",
            "workers: \(configuration.workers)",
            "io: \(server.io.rawValue)",
            "at most \(server.maxConnections) WebSockets with \(server.descriptorLimit) descriptors",
            "outbox budget \(Units.rounded(bytes: configuration.outboxBudgetBytes))",
            "inbound budget \(Units.rounded(bytes: configuration.inboundBudgetBytes))",
            "subscribing: \(subscribing)",
            "publishing: \(publishing)",
            "metrics: \(metrics)",
            "pages: \(pages)",
        ].joined(separator: "; ")
    }

    private var subscribing: String {
        let count = configuration.channelRules.count
        return count == 0 ? "anyone, to every channel (--channel)" : "by channel rules (\(count))"
    }

    private var publishing: String {
        let overHTTP = configuration.publishKeys.isEmpty ? "this machine only (--publish-key)" : "with a key"
        return configuration.allowsClientPublish ? "\(overHTTP), and clients to channels they have joined" : overHTTP
    }

    private var metrics: String {
        guard configuration.apiKeys.isEmpty else { return "with a key" }
        let open = configuration.admin.first { $0.socketAddress?.isLocal == false || $0.isProxied }
        return open.map { "anyone who reaches \($0) (--api-key)" } ?? "this machine only (--api-key)"
    }

    private var pages: String {
        let listed = configuration.allowedOrigins.map(\.description)
        return listed.isEmpty ? "own origin only (--allow-origin)" : "own origin, \(listed.joined(separator: ", "))"
    }
}
