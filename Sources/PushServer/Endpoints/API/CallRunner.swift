internal import Access
internal import Channels
internal import DequeModule
internal import WSLoop

/// Executes calls on a loop, one after the other.
///
/// What walks over connections or channels does so in slices, and all calls together have one slice of a turn: a turn
/// is short however many ask.
final class CallRunner {
    private static let stepsPerTurn = 1000
    /// What it costs to write to a connection, compared with looking at one.
    private static let stepsOfOrder = 10

    /// A loop that waits for an answer.
    private struct Waiting {
        let ticket: CallTicket
        /// The token whose connections it wants counted; nil for all.
        var mark: TokenMark?
    }

    private struct Job {
        let call: Call
        var waiting: [Waiting] = []
        /// The slots to look at; nil for all.
        let slots: [UInt32]?
        var next = 0
        var listing: Listing
        /// The connections that ended because of each token.
        var ended: [TokenMark: Int] = [:]
    }

    private let context: LoopContext
    private let table: ConnectionTable
    private let users: Users
    private let reports: ConnectionReports
    private let orders: OrderRunner
    private var jobs = Deque<Job>()

    init(_ context: LoopContext, _ connections: Connections, _ commands: CommandRunner) {
        self.context = context
        table = connections.table
        users = connections.users
        reports = ConnectionReports(context, connections)
        orders = OrderRunner(context, connections, commands)
    }

    /// Takes a call, and begins it unless others are being executed.
    func take(_ call: Call, _ ticket: CallTicket?) {
        if case .order(.revoke(let revocation)) = call, case .marked(let mark) = revocation.tokens {
            sweep(for: ticket.map { Waiting(ticket: $0, mark: mark) })
        } else if case .endRevoked = call {
            sweep(for: nil)
        } else {
            add(call, ticket.map { Waiting(ticket: $0) })
        }
    }

    /// Only a walk over all connections finds those with a token: one that has not begun serves all who want it.
    private func sweep(for waiting: Waiting?) {
        guard let last = jobs.indices.last, case .endRevoked = jobs[last].call, jobs[last].next == 0 else {
            return add(.endRevoked, waiting)
        }
        if let waiting { jobs[last].waiting.append(waiting) }
    }

    private func add(_ call: Call, _ waiting: Waiting?) {
        jobs.append(
            Job(
                call: call, waiting: waiting.map { [$0] } ?? [], slots: slots(of: call), next: firstStep(of: call),
                listing: Listing(call.page)))
        if jobs.count == 1 { run() }
    }

    /// Executes a slice.
    func run() {
        var left = CallRunner.stepsPerTurn
        while left > 0, !jobs.isEmpty {
            if let steps = step(&jobs[0]) {
                left -= steps
            } else {
                left -= 1
                answer(jobs.removeFirst())
            }
        }
        if !jobs.isEmpty { context.post(.runCalls) }
    }

    private func answer(_ job: Job) {
        for waiting in job.waiting {
            var listing = job.listing
            if let mark = waiting.mark { listing.addConcerned(job.ended[mark] ?? 0) }
            context.post(.answered(waiting.ticket.number, listing), to: waiting.ticket.loop)
        }
    }

    private func slots(of call: Call) -> [UInt32]? {
        switch call {
        case .connections(let user?, _, _), .user(let user): users.slots(of: user).sorted()
        case .order(let order): orders.slots(of: order)
        default: nil
        }
    }

    /// A page begins behind the last entry of the page before.
    private func firstStep(of call: Call) -> Int {
        guard case .connections(nil, _, let page) = call, let last = ConnectionID(page.after),
            last.node == context.state.nodeID, last.loop == context.index
        else { return 0 }
        return Int(last.key.slot) + 1
    }
}

// MARK: - Steps

extension CallRunner {
    /// Does a part of a job.
    ///
    /// - Returns: what it cost; nil if the job is done.
    private func step(_ job: inout Job) -> Int? {
        defer { job.next += 1 }
        switch job.call {
        case .channels(let pattern, _): return addChannel(at: job.next, pattern, to: &job.listing) ? 1 : nil
        case .channel(let name):
            job.listing.add(.init(name: name, count: context.hub.channels.subscriberCount(of: name)))
            return nil
        case .connections(_, let channel, _):
            // Slots are visited in the order of the names: a full page needs no more.
            guard job.listing.end == nil, let slot = nextSlot(of: job) else { return nil }
            addConnection(in: slot, of: channel, to: &job.listing)
            return 1
        case .connection(let key):
            if let connection = table[key], connection.isOpenClient {
                job.listing.add(reports.entry(connection, namesChannels: true))
            }
            return nil
        case .user: return visit(&job) { _, _ in true }
        case .order(let order): return visit(&job) { connection, _ in orders.carryOut(order, for: connection) }
        case .endRevoked:
            return visit(&job) { connection, job in
                guard let mark = orders.endIfRevoked(connection) else { return false }
                job.ended[mark, default: 0] += 1
                return true
            }
        }
    }

    private func nextSlot(of job: Job) -> UInt32? {
        guard job.next < job.slots?.count ?? table.slotCount else { return nil }
        return job.slots?[job.next] ?? UInt32(job.next)
    }

    /// Looks at the next open client; `act` returns whether it is concerned.
    private func visit(_ job: inout Job, _ act: (Connection, inout Job) -> Bool) -> Int? {
        guard let slot = nextSlot(of: job) else { return nil }
        guard let connection = table[slot], connection.isOpenClient, act(connection, &job)
        else { return 1 }
        if case .endRevoked = job.call { return CallRunner.stepsOfOrder }
        job.listing.addConcerned(1)
        return CallRunner.stepsOfOrder
    }

    private func addChannel(at index: Int, _ pattern: ChannelPattern?, to listing: inout Listing) -> Bool {
        guard index < context.hub.channels.indexEnd else { return false }
        guard let name = context.hub.channels.name(at: index), listing.accepts(name), pattern?.matches(name) != false
        else { return true }
        listing.add(.init(name: name, count: context.hub.channels.subscriberCount(of: name)))
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
