import Bytes
import WSLoop

struct TestFailure: Error, CustomStringConvertible {
    let description: String
}

/// An HTTP server on the test's own loop, which does with each request what the test says.
final class FakeBackend: StreamSetDelegate {
    /// What becomes of a request.
    enum Conduct {
        case answer(String)
        case silence
        /// Closes the connection after these bytes.
        case end(String)
    }

    private let buffer = ReadBuffer(byteCount: 65_536)
    private var listener: Listener?
    private var streams: StreamSet?
    private var input: [Int32: [UInt8]] = [:]
    private let conduct: (String) -> Conduct
    private(set) var connections = 0
    private(set) var requests: [String] = []
    private(set) var mostOpen = 0
    var open: Int { input.count }

    init(on loop: Loop, _ conduct: @escaping (String) -> Conduct) throws {
        self.conduct = conduct
        streams = try StreamSet(on: loop, delegate: self)
        guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { return }
        listener = try Listener(
            on: loop, address: address, unsentLowWaterBytes: 4096, starved: { _ in },
            accepted: { [weak self] in self?.accept($0.descriptor) })
        listener?.resume()
    }

    /// A response with a body of JSON.
    static func json(_ body: String, status: String = "200 OK", fields: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    var url: String { "http://127.0.0.1:\(listener?.address.port ?? 0)/hook" }

    func close() {
        for descriptor in input.keys { end(descriptor) }
        listener?.close()
        streams?.close()
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let descriptor = Int32(key.slot)
        switch buffer.fill(from: descriptor) {
        case .bytes:
            buffer.withContent { input[descriptor]?.append($0) }
            serve(descriptor)
        case .wouldBlock: break
        case .endOfStream, .failed: end(descriptor)
        }
    }

    private func accept(_ descriptor: Int32) {
        connections += 1
        input[descriptor] = []
        mostOpen = max(mostOpen, open)
        try? streams?.add(
            descriptor, key: StreamKey(slot: UInt32(descriptor), generation: 0), interest: .readable)
    }

    /// Serves the connection's request once it is complete; requests are not pipelined.
    private func serve(_ descriptor: Int32) {
        let text = String(decoding: input[descriptor] ?? [], as: UTF8.self)
        guard let headEnd = text.firstRange(of: "\r\n\r\n"),
            text[headEnd.upperBound...].utf8.count >= FakeBackend.length(text)
        else { return }
        input[descriptor] = []
        requests.append(text)
        switch conduct(text) {
        case .answer(let answer): _ = Socket.send(Array(answer.utf8).rawSpan, to: descriptor)
        case .silence: break
        case .end(let answer):
            _ = Socket.send(Array(answer.utf8).rawSpan, to: descriptor)
            end(descriptor)
        }
    }

    private static func length(_ text: String) -> Int {
        let field = text.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
        return field.flatMap { Int($0.drop { $0 != ":" }.dropFirst(2)) } ?? 0
    }

    private func end(_ descriptor: Int32) {
        guard input.removeValue(forKey: descriptor) != nil else { return }
        streams?.remove(descriptor)
        Socket.close(descriptor)
    }
}
