internal import WSLoop

/// The calls that requests on this loop wait for: asks the loops, and joins their answers.
final class Calls {
    /// More requests are refused, so that those that wait are not kept waiting.
    private static let maxLists = 64
    private static let maxOpen = 1024
    private static let patienceTicks = DeadlineWheel.ticks(.seconds(5))

    private struct Open {
        var unanswered: Int
        var listing: Listing
        let deadlineTick: UInt32
        let isList: Bool
        let completion: (Listing?) -> Void
    }

    private let context: LoopContext
    private var open: [UInt32: Open] = [:]
    private var lists = 0
    private var lastNumber: UInt32 = 0

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Asks loops; never calls `completion` before it returns.
    ///
    /// - Parameters:
    ///   - order: what the other nodes are told, which is a part of the answer; nil for nothing.
    ///   - completion: gets the joined answer, or nil if a loop does not answer in time.
    /// - Returns: what `abandon` takes; nil if too many calls are open.
    func begin(
        _ call: Call, on loops: Range<Int>, telling order: Order? = nil, completion: @escaping (Listing?) -> Void
    ) -> UInt32? {
        guard open.count < Calls.maxOpen, !call.isList || lists < Calls.maxLists else { return nil }
        lastNumber &+= 1
        open[lastNumber] = Open(
            unanswered: loops.count + (order == nil ? 0 : 1), listing: Listing(call.page),
            deadlineTick: context.tick + Calls.patienceTicks, isList: call.isList, completion: completion)
        if call.isList { lists += 1 }
        let ticket = CallTicket(loop: context.index, number: lastNumber)
        for loop in loops { context.post(.call(call, ticket), to: loop) }
        if let order { context.tellNode(.tell(order, ticket)) }
        return lastNumber
    }

    /// A loop has answered.
    func answered(_ number: UInt32, _ listing: Listing) {
        guard var call = open[number] else { return }
        call.listing.merge(listing)
        call.unanswered -= 1
        open[number] = call
        guard call.unanswered == 0 else { return }
        abandon(number)
        call.completion(call.listing)
    }

    /// Nothing waits for a call any more.
    func abandon(_ number: UInt32) {
        guard let call = open.removeValue(forKey: number) else { return }
        if call.isList { lists -= 1 }
    }

    /// Gives up calls that were not answered in time.
    func tick() {
        guard !open.isEmpty else { return }
        for (number, call) in open where call.deadlineTick <= context.tick {
            abandon(number)
            call.completion(nil)
        }
    }
}

@available(*, unavailable)
extension Calls: Sendable {}
