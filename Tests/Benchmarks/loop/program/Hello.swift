import AsyncLoop
import Bytes
import Glibc
import HTTP
import WSLoop

/// An HTTP server with one answer, for connections that are kept.
struct Hello {
    let port: UInt16

    func run() throws {
        guard let address = SocketAddress(host: "127.0.0.1", port: port) else { return }
        try LoopExecutor.run { loop in
            let listener = try await loop.listen(on: address)
            async let serving: Void = listener.serve { try await Hello.serve($0) }
            for await _ in loop.signals(SIGTERM, SIGINT) { break }
            listener.close()
            try await serving
        }
    }

    private static func serve(_ stream: ByteStream) async throws {
        var parser = RequestParser()
        var input: [UInt8] = []
        var output: [UInt8] = []
        while try await stream.read(into: &input) > 0 {
            var offset = 0
            while case .request(let request)? = try parser.next(input.rawSpan, from: &offset) {
                let response = Response(.ok, contentType: "text/plain", body: Array("Hello, world".utf8))
                response.encode(into: &output, closing: !request.head.keepsAlive)
            }
            input.removeAll(keepingCapacity: true)
            try await stream.write(output)
            output.removeAll(keepingCapacity: true)
        }
    }
}
