internal import DequeModule

/// A limited number of places; those who find none free wait, and get one in order.
final class Places {
    private let limit: Int
    private var taken = 0
    private var waiting = Deque<WaitPlace>()

    init(_ limit: Int) { self.limit = limit }

    /// Takes a place if one is free.
    func take() -> Bool {
        guard taken < limit else { return false }
        taken += 1
        return true
    }

    func enqueue() -> WaitPlace {
        let place = WaitPlace()
        waiting.append(place)
        return place
    }

    /// Gives a place back, or to the first task that still waits.
    func release() {
        while let next = waiting.popFirst() {
            guard next.isTaken else { continue }  // its task was cancelled
            next.wake(.ready)
            return
        }
        taken -= 1
    }
}

extension LoopExecutor {
    /// Waits for a place; unless the result is `.ready`, it got none.
    func acquire(_ places: Confined<Places>) async -> Wake {
        guard isCurrent else { return await onLoop { await self.acquire(places) } }
        return places.here.take() ? .ready : await wait(Confined(places.here.enqueue(), beside: places))
    }
}
