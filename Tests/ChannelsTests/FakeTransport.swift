import Bytes
import Channels
import Testing

/// A scripted kernel: each link accepts as many bytes as the test allows, and everything is recorded.
final class FakeTransport: HubTransport {
    /// The recorded events, in order.
    enum Event: Equatable {
        case sent(Int32, bytes: Int)
        case refused(Int32)
        case broken(Int32)
        case blocked(UInt32)
        case drained(UInt32)
        case dropped(UInt32, Int)
        case lost(UInt32, LossReason)
    }

    struct Link {
        /// The number of bytes the kernel accepts before it is full; nil for unlimited.
        var room: Int?
        /// The errno that every send returns.
        var failure: Int32?
        var bytes: [UInt8] = []
        /// The number of sends of a whole outbox instead of one piece.
        var outboxSends = 0
    }

    weak var hub: Hub?
    private var links: [Int32: Link] = [:]
    private var taken: [Event] = []
    /// The most pieces of an outbox that one send accepts, like IOV_MAX.
    var maxPieces = Int.max
    /// The most bytes that one send accepts although there is room for more, as with an encrypting transport.
    var portionBytes = Int.max

    subscript(link: Int32) -> Link {
        get { links[link] ?? Link() }
        set { links[link] = newValue }
    }

    /// Bytes that a link's transport has accepted and not sent.
    var unsentBytes: [Int32: Int] = [:]

    func unsentBytes(of link: Int32) -> Int { unsentBytes[link] ?? 0 }

    func send(_ writes: PreparedWrites) {
        #expect(1...PreparedWrites.capacity ~= writes.count)
        // As in the kernel, all writes are performed before the results are read.
        for index in 0..<writes.count {
            writes.complete(index, take(bytes(of: writes, index), writes.link(index)))
        }
    }

    private func bytes(of writes: PreparedWrites, _ index: Int) -> [UInt8] {
        guard let outbox = writes.outbox(index) else {
            return unsafe Array(writes.piece(index) ?? .init(start: nil, count: 0))
        }
        var copy: [UInt8] = []
        var pieces = 0
        outbox.forEachPiece {
            copy.append($0)
            pieces += 1
            return pieces < maxPieces
        }
        self[writes.link(index)].outboxSends += 1
        return copy
    }

    private func take(_ offered: [UInt8], _ link: Int32) -> SendResult {
        if let failure = self[link].failure {
            taken.append(.broken(link))
            return .failed(failure)
        }
        let count = min(offered.count, self[link].room ?? .max, portionBytes)
        guard count > 0 else {
            taken.append(.refused(link))
            return .blocked
        }
        if let room = self[link].room { self[link].room = room - count }
        self[link].bytes += offered.prefix(count)
        taken.append(.sent(link, bytes: count))
        return .accepted(count)
    }

    /// The events so far; takes the hub's events without acting on them.
    var events: [Event] {
        while let (slot, event) = hub?.nextEvent() { note(slot, event) }
        return taken
    }

    func note(_ slot: UInt32, _ event: HubEvent) {
        switch event {
        case .blocked: taken.append(.blocked(slot))
        case .drained: taken.append(.drained(slot))
        case .dropped(let count): taken.append(.dropped(slot, count))
        case .lost(let reason): taken.append(.lost(slot, reason))
        }
    }

    /// Returns the events since the last call.
    func takeEvents() -> [Event] {
        defer { taken = [] }
        return events
    }

    /// The bytes that one link was sent so far.
    func bytes(_ link: Int32) -> [UInt8] { self[link].bytes }
}

/// A hub on top of the fake kernel.
struct World {
    let transport = FakeTransport()
    let hub: Hub

    init(outboxLimitBytes: Int = 1_000_000, policies: SlowConsumerPolicies = SlowConsumerPolicies()) {
        hub = Hub(outboxLimitBytes: outboxLimitBytes, policies: policies, encoders: NamingEncoder.encoders)
        hub.attach(transport)
        transport.hub = hub
    }

    /// Flushes, then passes each event to `act`, which may do anything with the hub except flush.
    func turn(holdingBusy: Bool = false, _ act: (UInt32, HubEvent) -> Void) {
        hub.flush(holdingBusy: holdingBusy)
        while let (slot, event) = hub.nextEvent() {
            transport.note(slot, event)
            act(slot, event)
        }
    }
}
