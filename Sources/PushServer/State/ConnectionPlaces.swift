internal import Access
internal import Synchronization
internal import WSLoop

/// The number of connections that may be open at once; safe on any thread.
struct ConnectionPlaces: ~Copyable, Sendable {
    /// Descriptors reserved for listeners, the broker, logs, and requests such as `/health`.
    private static let reservedDescriptors = 128
    private static let starvedNanoseconds: UInt64 = 500_000_000

    let descriptorLimit: Int
    let maxClients: Limit
    private let maxDeflateContexts: Int
    /// WebSockets and streams that are open or being opened; also counted per worker, but the limit needs one exact
    /// number.
    private let taken = Atomic<Int>(0)
    private let deflateContexts = Atomic<Int>(0)
    private let lastStarvedNanoseconds = Atomic<UInt64>(0)

    /// Raises the descriptor limit as far as possible.
    init(_ configuration: ServerConfiguration, workers: Int) {
        descriptorLimit = SystemLimits.raiseDescriptorLimit()
        maxClients =
            configuration.maxConnections
            ?? Limit(ConnectionPlaces.clients(withDescriptors: descriptorLimit, workers: workers))
        maxDeflateContexts = configuration.maxDeflateContexts
    }

    /// The number of clients that the descriptors are sufficient for.
    static func clients(withDescriptors limit: Int, workers: Int) -> Int {
        max(limit - reservedDescriptors - 8 * workers, 1)
    }

    var isFull: Bool { maxClients.isEnforced && taken.load(ordering: .relaxed) >= maxClients.value }

    /// Reserves a place for a WebSocket or a stream; returns false if there are too many.
    func take() -> Bool {
        taken.add(1, ordering: .relaxed).oldValue < maxClients.value
    }

    /// Gives a place back.
    func release() {
        taken.subtract(1, ordering: .relaxed)
    }

    /// The number of connections that keep a decompression context.
    var deflateContextCount: Int { deflateContexts.load(ordering: .relaxed) }

    /// Reserves a place for a decompression context; returns false if none is left.
    func takeDeflateContext() -> Bool {
        guard deflateContexts.add(1, ordering: .relaxed).oldValue < maxDeflateContexts else {
            releaseDeflateContext()
            return false
        }
        return true
    }

    /// Gives a place back.
    func releaseDeflateContext() {
        deflateContexts.subtract(1, ordering: .relaxed)
    }

    /// Notes that a client could not be accepted for lack of descriptors or memory.
    func noteStarved() {
        lastStarvedNanoseconds.store(Loop.monotonicNanoseconds, ordering: .relaxed)
    }

    /// Whether clients could not be accepted a moment ago; accepting is then retried ten times per second.
    var isStarved: Bool {
        let starved = lastStarvedNanoseconds.load(ordering: .relaxed)
        let now = Loop.monotonicNanoseconds
        // Another thread may have stored a later time.
        return now < starved || now - starved < ConnectionPlaces.starvedNanoseconds
    }
}
