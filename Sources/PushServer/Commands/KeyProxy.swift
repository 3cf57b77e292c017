internal import Access
internal import WSLoop

/// The connections of a loop whose tokens may be signed with keys that the node is about to fetch.
///
/// A fetch has a time limit, and so has their wait.
final class KeyProxy {
    /// The most connections that wait, and the most bytes of their requests.
    private static let maxWaiting = 16_384
    private static let maxBytes = 16 << 20

    private struct Wait {
        let bytes: Int
        let proceed: (Connection) -> Void
    }

    private let context: LoopContext
    private var waiting: [StreamKey: Wait] = [:]
    private var heldBytes = 0

    init(_ context: LoopContext) {
        self.context = context
    }

    private var fetches: Bool { context.settings.configuration.tokens?.keySetURL != nil }

    /// Lets a connection wait until keys have been fetched, or it is known that they are not fetched now.
    ///
    /// - Parameters:
    ///   - bytes: what the connection holds meanwhile.
    ///   - endsWithPeer: whether the connection ends when its peer has finished.
    ///   - proceed: does not run if the connection ends.
    /// - Returns: false if it must not wait, because no keys are fetched or too many connections wait.
    func wait(
        _ connection: Connection, holding bytes: Int, endsWithPeer: Bool = false,
        then proceed: @escaping (Connection) -> Void
    ) -> Bool {
        guard fetches, waiting.count < KeyProxy.maxWaiting, heldBytes + bytes <= KeyProxy.maxBytes else { return false }
        if waiting.isEmpty { context.tellNode(.keysWanted(worker: context.index)) }
        let key = connection.key
        waiting[key] = Wait(bytes: bytes, proceed: proceed)
        heldBytes += bytes
        connection.wait(for: Continuation(endsWithPeer: endsWithPeer) { [self] in forget(key) })
        return true
    }

    /// Hands over the connections that wait, and how each goes on.
    func takeWaiting() -> [(key: StreamKey, proceed: (Connection) -> Void)] {
        defer { (waiting, heldBytes) = ([:], 0) }
        return waiting.map { (key: $0.key, proceed: $0.value.proceed) }
    }

    private func forget(_ key: StreamKey) {
        heldBytes -= waiting.removeValue(forKey: key)?.bytes ?? 0
    }
}

@available(*, unavailable)
extension KeyProxy: Sendable {}
