import HTTP
import Logging
import Synchronization
import WSLoop

@testable import PushServer

/// A server on its own thread, on a free loopback port.
final class TestServer {
    /// The data that the server's thread passes to the test's thread.
    private final class Report: Sendable {
        struct Content {
            var addresses: [SocketAddress] = []
            var error: SystemError?
            var hasEnded = false
        }
        let content = Mutex(Content())
        let signal: Signal

        init() throws { signal = try Signal() }
    }

    let server: Server
    let port: UInt16
    private let thread: LoopThread
    private let report: Report
    private var isJoined = false

    init(_ adjust: (inout ServerConfiguration) -> Void = { _ in }) throws {
        var configuration = ServerConfiguration()
        configuration.listen = [.tcp(host: "127.0.0.1", port: 0)]
        configuration.drain = .zero
        // Under a sanitizer a client may be silent longer than the default allows, during a large message.
        configuration.pingInterval = .seconds(3600)
        adjust(&configuration)
        let server = Server(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let report = try Report()
        self.server = server
        self.report = report
        thread = try LoopThread(named: "server") {
            do throws(SystemError) {
                try server.run { addresses in
                    report.content.withLock { $0.addresses = addresses }
                    report.signal.raise()
                }
            } catch {
                report.content.withLock { $0.error = error }
            }
            report.content.withLock { $0.hasEnded = true }
            report.signal.raise()
        }
        try report.signal.wait()
        port = report.content.withLock { $0.addresses.first?.port } ?? 0
        if let error = report.content.withLock({ $0.error }) {
            join()
            throw error
        }
    }

    /// Runs a server during `body`.
    static func run(
        _ adjust: (inout ServerConfiguration) -> Void = { _ in }, _ body: (TestServer) throws -> Void
    ) throws {
        let server = try TestServer(adjust)
        defer { server.end() }
        try body(server)
    }

    /// Whether `run` has returned.
    var hasEnded: Bool { report.content.withLock { $0.hasEnded } }

    /// Waits until `run` has returned by itself.
    func join() {
        guard !isJoined else { return }
        isJoined = true
        thread.join()
    }

    func end() {
        server.stop()
        join()
    }

    func connect(receiveBufferBytes: Int32? = nil) throws -> TestClient {
        try TestClient(port: port, receiveBufferBytes: receiveBufferBytes)
    }

    /// Sends one request on its own connection.
    func request(_ text: String, body: [UInt8] = []) throws -> Answer {
        let client = try connect()
        defer { client.close() }
        try client.send(
            text + "\r\nHost: localhost\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n", body)
        return try client.answer()
    }

    @discardableResult
    func publish(_ text: String, to channel: String) throws -> Answer {
        try request("POST /publish?channel=\(channel) HTTP/1.1", body: Array(text.utf8))
    }

    /// The response of `/metrics`, which may be a second old.
    func scrape() throws -> Exposition {
        try Exposition(parsing: string(try request("GET /metrics HTTP/1.1").body))
    }

    /// Metrics that include everything sent to the server before the call.
    func metrics() throws -> Exposition {
        _ = try request("GET /health/live HTTP/1.1")
        return try Exposition(parsing: string(Metrics.response(server.state, server.state.boards.totals()).body))
    }

    /// Waits until the server's metrics are as expected.
    func wait(for what: String, _ condition: (Exposition) -> Bool) throws {
        let patience = Patience()
        while true {
            if condition(try metrics()) { return }
            try patience.check(what)
        }
    }

    func openWebSockets() throws -> Double? { try metrics().value("pushd_connections") }
}
