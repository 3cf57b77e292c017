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

    weak var hub: Hub?
    private var links: [Int32: Link] = [:]
    private var taken: [Event] = []
    /// The most pieces of an outbox that one send takes, as IOV_MAX does.
    var maxPieces = Int.max
    /// The most bytes that one send takes though there is room for more, as an encrypting transport does.
    var portionBytes = Int.max

    subscript(link: Int32) -> Link {
        get { links[link] ?? Link() }
        set { links[link] = newValue }
    }

    /// Bytes that a link's transport has taken and not sent.
    var unsentBytes: [Int32: Int] = [:]

    func unsentBytes(of link: Int32) -> Int { unsentBytes[link] ?? 0 }

    func send(_ writes: PreparedWrites) {
        #expect(1...PreparedWrites.capacity ~= writes.count)
        // As the kernel does it: all writes are made, then the results are looked at.
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

    /// What happened so far; takes the hub's events, without acting on them.
    var events: [Event] {
        while let (slot, event) = hub?.nextEvent() { note(slot, event) }
        return taken
    }

    func note(_ slot: UInt32, _ event: HubEvent) {
        switch event {
        case .blocked: taken.append(.blocked(slot))
        case .drained: taken.append(.drained(slot))
        case .lost(let reason): taken.append(.lost(slot, reason))
        }
    }

    /// Hands over the events since the last call.
    func takeEvents() -> [Event] {
        defer { taken = [] }
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
        hub = Hub(outboxLimitBytes: outboxLimitBytes, policies: policies, encoders: NamingEncoder.encoders)
        hub.attach(transport)
        transport.hub = hub
    }

    /// Flushes, then hands each event to `act`, which may do anything with the hub but flush.
    func turn(holdingBusy: Bool = false, _ act: (UInt32, HubEvent) -> Void) {
        hub.flush(holdingBusy: holdingBusy)
        while let (slot, event) = hub.nextEvent() {
            transport.note(slot, event)
            act(slot, event)
        }
    }
}
