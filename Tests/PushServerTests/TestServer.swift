import HTTP
import Logging
import Synchronization
import WSLoop

@testable import PushServer

/// A server on a thread of its own, on a free port of the loopback.
final class TestServer {
    /// What the server's thread tells the test's.
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
        // Under a sanitizer a client may need longer for a large message than the default leaves it silent.
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

    /// Serves for as long as `body` runs.
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

    /// A connection of its own for one request.
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

    /// What `/metrics` answers, which may be a second old.
    func scrape() throws -> Exposition {
        try Exposition(parsing: string(try request("GET /metrics HTTP/1.1").body))
    }

    /// The figures as they are once the server has taken in all that was sent to it.
    func metrics() throws -> Exposition {
        _ = try request("GET /health/live HTTP/1.1")
        return try Exposition(parsing: string(Metrics.response(server.state, server.state.boards.totals()).body))
    }

    /// Waits until the server's own figures are as expected.
    func wait(for what: String, _ condition: (Exposition) -> Bool) throws {
        let patience = Patience()
        while true {
            if condition(try metrics()) { return }
            try patience.check(what)
        }
    }

    func openWebSockets() throws -> Double? { try metrics().value("pushd_connections") }
}
