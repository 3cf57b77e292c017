internal import Bytes
package import WSLoop

/// A TCP server on a test's own loop, which does with each client what the test says.
package final class LoopServer {
    /// What happens to a client.
    package enum Reaction {
        /// Nothing, until it sends more.
        case wait
        /// It is sent a text.
        case answer(String)
        /// It is sent a text, and its connection is closed.
        case end(String)
    }

    private let buffer = ReadBuffer(byteCount: 65_536)
    private var listener: Listener?
    private var streams: StreamSet?
    private var input: [Int32: [UInt8]] = [:]
    private let react: (inout [UInt8]) -> Reaction
    /// The number of connections so far.
    package private(set) var accepted = 0
    /// The number of texts sent so far.
    package private(set) var answered = 0
    /// The most connections that were open at the same time.
    package private(set) var mostOpen = 0

    /// Starts to accept clients on a free port of 127.0.0.1.
    ///
    /// - Parameter react: takes what a client has sent and was not taken yet; also called when it has connected.
    package init(on loop: Loop, react: @escaping (inout [UInt8]) -> Reaction) throws {
        self.react = react
        streams = try StreamSet(on: loop, delegate: self)
        guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { return }
        listener = try Listener(
            on: loop, address: address, unsentLowWaterBytes: 4096, starved: { _ in },
            accepted: { [weak self] in self?.accept($0.descriptor) })
        listener?.resume()
    }

    /// The port that it listens on.
    package var port: UInt16 { listener?.address.port ?? 0 }

    /// The number of open connections.
    package var open: Int { input.count }

    /// Closes all connections, and stops accepting clients.
    package func close() {
        for descriptor in input.keys { end(descriptor) }
        listener?.close()
        streams?.close()
    }

    private func accept(_ descriptor: Int32) {
        accepted += 1
        input[descriptor] = []
        mostOpen = max(mostOpen, open)
        try? streams?.add(
            descriptor, key: StreamKey(slot: UInt32(descriptor), generation: 0), interest: .readable)
        serve(descriptor)
    }

    private func serve(_ descriptor: Int32) {
        var bytes = input[descriptor] ?? []
        let reaction = react(&bytes)
        input[descriptor] = bytes
        switch reaction {
        case .wait: break
        case .answer(let text): send(text, to: descriptor)
        case .end(let text):
            send(text, to: descriptor)
            end(descriptor)
        }
    }

    private func send(_ text: String, to descriptor: Int32) {
        guard !text.isEmpty else { return }
        _ = Socket.send(Array(text.utf8).rawSpan, to: descriptor)
        answered += 1
    }

    private func end(_ descriptor: Int32) {
        guard input.removeValue(forKey: descriptor) != nil else { return }
        streams?.remove(descriptor)
        Socket.close(descriptor)
    }
}

extension LoopServer: StreamSetDelegate {
    /// Takes what a client has sent.
    package func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let descriptor = Int32(key.slot)
        switch buffer.fill(from: descriptor) {
        case .bytes:
            buffer.withContent { input[descriptor]?.append($0) }
            serve(descriptor)
        case .wouldBlock: break
        case .endOfStream, .failed: end(descriptor)
        }
    }
}

@available(*, unavailable)
extension LoopServer: Sendable {}
