internal import Channels
internal import DequeModule
internal import WSLoop

/// Executes calls on a loop, one after the other.
///
/// What walks over connections or channels does so in slices, and all calls together have one slice of a turn: a turn
/// is short however many ask.
final class CallRunner {
    private static let stepsPerTurn = 1000

    private struct Job {
        let call: Call
        let ticket: CallTicket
        /// The slots to look at; nil for all.
        let slots: [UInt32]?
        var next: Int
        var listing: Listing
    }

    private let context: LoopContext
    private let table: ConnectionTable
    private let users: Users
    private let reports: ConnectionReports
    private var jobs = Deque<Job>()

    init(_ context: LoopContext, _ connections: Connections) {
        self.context = context
        table = connections.table
        users = connections.users
        reports = ConnectionReports(context, connections)
    }

    /// Takes a call, and begins it unless others are being executed.
    func take(_ call: Call, _ ticket: CallTicket) {
        var slots: [UInt32]?
        if case .connections(let user?, _, _) = call { slots = users.slots(of: user).sorted() }
        jobs.append(
            Job(call: call, ticket: ticket, slots: slots, next: firstStep(of: call), listing: Listing(call.page)))
        if jobs.count == 1 { run() }
    }

    /// Executes a slice.
    func run() {
        var left = CallRunner.stepsPerTurn
        while left > 0, !jobs.isEmpty {
            left -= 1
            guard !step(&jobs[0]) else { continue }
            let job = jobs.removeFirst()
            context.post(.answered(job.ticket.number, job.listing), to: job.ticket.loop)
        }
        if !jobs.isEmpty { context.post(.runCalls) }
    }

    /// A page begins behind the last entry of the page before.
    private func firstStep(of call: Call) -> Int {
        guard case .connections(nil, _, let page) = call, let last = ConnectionID(page.after),
            last.node == context.state.nodeID, last.loop == context.index
        else { return 0 }
        return Int(last.key.slot) + 1
    }

    /// - Returns: false if nothing is left to do.
    private func step(_ job: inout Job) -> Bool {
        defer { job.next += 1 }
        switch job.call {
        case .channels(let pattern, _): return addChannel(at: job.next, pattern, to: &job.listing)
        case .channel(let name):
            job.listing.add(.init(name: name, count: context.hub.subscriberCount(of: name)))
            return false
        case .connections(_, let channel, _):
            // Slots are visited in the order of the names: a full page needs no more.
            guard job.listing.end == nil, job.next < job.slots?.count ?? table.slotCount else { return false }
            addConnection(in: job.slots?[job.next] ?? UInt32(job.next), of: channel, to: &job.listing)
            return true
        case .connection(let key):
            if let connection = table[key], connection.isOpenClient {
                job.listing.add(reports.entry(connection, namesChannels: true))
            }
            return false
        }
    }

    private func addChannel(at index: Int, _ pattern: ChannelPattern?, to listing: inout Listing) -> Bool {
        guard index < context.hub.channelIndexEnd else { return false }
        guard let name = context.hub.channelName(at: index), listing.accepts(name), pattern?.matches(name) != false
        else { return true }
        listing.add(.init(name: name, count: context.hub.subscriberCount(of: name)))
        return true
    }

    private func addConnection(in slot: UInt32, of channel: String?, to listing: inout Listing) {
        guard let connection = table[slot], connection.isOpenClient else { return }
        if let channel, !context.hub.isMember(slot, of: channel) { return }
        let entry = reports.entry(connection, namesChannels: false)
        listing.add(entry)
    }
}

@available(*, unavailable)
extension CallRunner: Sendable {}
