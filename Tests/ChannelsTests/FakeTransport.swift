import Bytes
import Channels
import Testing

/// A scripted kernel: each link takes as many bytes as the test allows, and everything is written down.
final class FakeTransport: HubTransport {
    /// What happened, in order.
    enum Event: Equatable {
        case sent(Int32, bytes: Int)
        case refused(Int32)
        case broken(Int32)
        case blocked(UInt32)
        case drained(UInt32)
        case lost(UInt32, LossReason)
    }

    struct Link {
        /// How many bytes the kernel takes before it is full; nil: any number.
        var room: Int?
        /// The errno that every send gives.
        var failure: Int32?
        var bytes: [UInt8] = []
        /// The sends that were given a whole outbox rather than one piece.
        var outboxSends = 0
    }

    private var links: [Int32: Link] = [:]
    private(set) var events: [Event] = []
    private var prepared: [(bytes: [UInt8], link: Int32)] = []
    /// The most pieces of an outbox that one send takes, as IOV_MAX does.
    var maxPieces = Int.max
    /// The most bytes that one send takes though there is room for more, as an encrypting transport does.
    var portionBytes = Int.max
    var onLost: (UInt32, LossReason) -> Void = { _, _ in }
    var onDrained: (UInt32) -> Void = { _ in }

    subscript(link: Int32) -> Link {
        get { links[link] ?? Link() }
        set { links[link] = newValue }
    }

    /// Bytes that a link's transport has taken and not sent.
    var unsentBytes: [Int32: Int] = [:]

    func unsentBytes(of link: Int32) -> Int { unsentBytes[link] ?? 0 }

    func prepare(_ bytes: RawSpan, to link: Int32) {
        var copy: [UInt8] = []
        copy.append(bytes)
        prepared.append((copy, link))
    }

    func prepare(_ outbox: Outbox, to link: Int32) {
        var copy: [UInt8] = []
        var pieces = 0
        outbox.forEachPiece {
            copy.append($0)
            pieces += 1
            return pieces < maxPieces
        }
        self[link].outboxSends += 1
        prepared.append((copy, link))
    }

    func sendPrepared(_ completed: (_ write: Int, _ result: SendResult) -> Void) {
        #expect(prepared.count <= Hub.maxPreparedWrites)
        // As the kernel does it: all writes are made, then the results are looked at.
        let results = prepared.map { take($0.bytes, $0.link) }
        prepared = []
        for (write, result) in results.enumerated() { completed(write, result) }
    }

    private func take(_ offered: [UInt8], _ link: Int32) -> SendResult {
        if let failure = self[link].failure {
            events.append(.broken(link))
            return .failed(failure)
        }
        let count = min(offered.count, self[link].room ?? .max, portionBytes)
        guard count > 0 else {
            events.append(.refused(link))
            return .blocked
        }
        if let room = self[link].room { self[link].room = room - count }
        self[link].bytes += offered.prefix(count)
        events.append(.sent(link, bytes: count))
        return .accepted(count)
    }

    func hubBlocked(_ slot: UInt32) { events.append(.blocked(slot)) }

    func hubDrained(_ slot: UInt32) {
        events.append(.drained(slot))
        onDrained(slot)
    }

    func hubLost(_ slot: UInt32, _ reason: LossReason) {
        events.append(.lost(slot, reason))
        onLost(slot, reason)
    }

    /// Hands over the events since the last call.
    func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    /// The bytes that one link was sent so far.
    func bytes(_ link: Int32) -> [UInt8] { self[link].bytes }
}

/// A hub and the fake kernel below it.
struct World {
    let transport = FakeTransport()
    let hub: Hub

    init(outboxLimitBytes: Int = 1_000_000, policies: SlowConsumerPolicies = SlowConsumerPolicies()) {
        hub = Hub(outboxLimitBytes: outboxLimitBytes, policies: policies)
        hub.attach(transport)
    }
}
