import Bytes
import WSLoop

/// Accepts connections on the test's own loop and answers all input with one fixed text.
final class FakeServer: StreamSetDelegate {
    private let answer: [UInt8]?
    private let buffer = ReadBuffer(byteCount: 4096)
    private var listener: Listener?
    private var streams: StreamSet?
    private var open: [Int32] = []
    private(set) var accepted = 0
    private(set) var answered = 0

    /// Sends no answer if `answer` is nil, and closes the connection at once if it is empty.
    init(on loop: Loop, answer: String?) throws {
        self.answer = answer.map { Array($0.utf8) }
        streams = try StreamSet(on: loop, delegate: self)
        guard let address = SocketAddress(host: "127.0.0.1", port: 0) else { return }
        listener = try Listener(
            on: loop, address: address, unsentLowWaterBytes: 4096, starved: { _ in },
            accepted: { [weak self] in self?.accept($0.descriptor) })
        listener?.resume()
    }

    var port: UInt16 { listener?.address.port ?? 0 }

    func close() {
        for descriptor in open {
            streams?.remove(descriptor)
            Socket.close(descriptor)
        }
        listener?.close()
        streams?.close()
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let descriptor = Int32(key.slot)
        switch buffer.fill(from: descriptor) {
        case .bytes:
            guard let answer else { return }
            _ = Socket.send(answer.rawSpan, to: descriptor)
            answered += 1
        case .wouldBlock: break
        case .endOfStream, .failed:
            streams?.remove(descriptor)
            Socket.close(descriptor)
            open.removeAll { $0 == descriptor }
        }
    }

    private func accept(_ descriptor: Int32) {
        accepted += 1
        guard answer != [] else { return Socket.close(descriptor) }
        open.append(descriptor)
        let key = StreamKey(slot: UInt32(descriptor), generation: 0)
        do {
            try streams?.add(descriptor, key: key, interest: .readable)
        } catch {
            Socket.close(descriptor)
        }
    }
}
