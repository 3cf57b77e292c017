internal import Channels
internal import WSLoop
internal import WebSocket

/// The input that clients make the loop hold, for `--inbound-budget` (docs/backpressure.md).
final class InboundAccount {
    /// The memory that OpenSSL holds for a handshake in progress (measured: 54 KB).
    private static let handshakeBytes = 55_296

    private let context: LoopContext
    private let links: SecureLinks
    private let headers: KeptHeaders
    // Unchecked (docs/decisions/0009): touched for each event of a socket.
    @safe @exclusivity(unchecked) private var ledger = InboundLedger()
    /// The part that was reported to the other loops.
    @safe @exclusivity(unchecked) private(set) var accountedBytes = 0

    init(_ context: LoopContext, _ links: SecureLinks, _ headers: KeptHeaders) {
        self.context = context
        self.links = links
        self.headers = headers
    }

    /// The bytes held now: input, and channel names.
    var heldBytes: Int { ledger.bytes + context.hub.channels.bytes }

    /// Notes what a connection holds.
    ///
    /// - Returns: whether it holds something, or did.
    @discardableResult
    func update(_ connection: Connection) -> Bool {
        let held = connection.phase == .closed ? 0 : heldBytes(of: connection)
        guard held > 0 || connection.holdsInput else { return false }
        connection.holdsInput = held > 0
        ledger.set(held, of: connection.slot)
        return true
    }

    /// Reports the bytes held here to the other loops; returns the total.
    func account(_ held: Int) -> Int {
        let change = held - accountedBytes
        accountedBytes = held
        return context.state.bytes.countInbound(change)
    }

    /// The connections that hold something, in the order in which they are given up.
    ///
    /// - Parameter others: bytes that connections hold elsewhere.
    func largestFirst(adding others: [UInt32: Int]) -> [UInt32] {
        ledger.largestFirst(adding: others)
    }

    private func heldBytes(of connection: Connection) -> Int {
        var bytes = connection.unread.capacity + headers.bytes(of: connection)
        if let requests = connection.requests { bytes += requests.heldBytes }
        bytes += connection.machine?.heldBytes ?? 0
        if let secure = links.stream(connection.descriptor) {
            bytes += secure.session.isEstablished ? secure.session.heldInputBytes : InboundAccount.handshakeBytes
        }
        if let continuation = connection.continuation {
            bytes += continuation.channels.reduce(0) { $0 + ChannelTable.bytes(ofChannelNamed: $1) }
        }
        return bytes
    }
}
