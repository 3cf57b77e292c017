internal import Bytes
internal import DequeModule

// Dropping single messages. A message that was begun is always finished, and replies are never dropped.
extension Outbox {
    /// The policy of the newest message that can still be dropped; nil if there is none.
    var newestPolicy: SlowConsumerPolicy? {
        for index in pieces.indices.reversed() where !pieces[index].unbegunMessages.isEmpty {
            return pieces[index].batch.policy
        }
        return nil
    }

    /// Drops the newest message.
    func dropNewest() {
        guard let index = pieces.lastIndex(where: { !$0.unbegunMessages.isEmpty }) else { return }
        drop(pieces[index].unbegunMessages.upperBound - 1, of: index)
    }

    /// Drops the oldest message of a channel whose policy allows that.
    ///
    /// A message of a conflated channel is dropped last.
    func dropOldest() {
        guard let index = firstPiece(.dropOldest) ?? firstPiece(.conflate) else { return }
        drop(pieces[index].unbegunMessages.lowerBound, of: index)
    }

    /// Pieces before the end of the last search contain nothing to drop, because nothing is ever added there.
    private func firstPiece(_ policy: SlowConsumerPolicy) -> Int? {
        var number = max(dropSearch[policy], firstNumber)
        defer { dropSearch[policy] = number }
        while number < endNumber {
            let piece = pieces[number - firstNumber]
            if piece.batch.policy == policy, !piece.unbegunMessages.isEmpty { return number - firstNumber }
            number += 1
        }
        return nil
    }

    /// Returns how many messages of each channel were dropped since the last call.
    func takeMissed() -> [ByteName: Int] {
        defer { missed = [:] }
        return missed
    }

    /// Removes a message from a piece.
    func drop(_ message: Int, of index: Int) {
        let piece = pieces[index]
        let bytes = piece.batch.startOfFrame(message)..<piece.batch.startOfFrame(message + 1)
        let before = Piece(batch: piece.batch, start: piece.start, end: bytes.lowerBound)
        let behind = Piece(batch: piece.batch, start: bytes.upperBound, end: piece.end)
        switch (before.isEmpty, behind.isEmpty) {
        case (false, false): split(index, before, behind)
        case (false, true): pieces[index] = before
        case (true, false): pieces[index] = behind
        case (true, true): takeOut(index)
        }
        count(piece.batch, -bytes.count)
        if tellsMissed, let channel = piece.batch.channel { missed[ByteName(channel.name), default: 0] += 1 }
    }
}

/// Where to continue the search for the oldest message to drop: each piece is visited once instead of at every drop.
struct DropSearch {
    private var dropOldest = 0
    private var conflate = 0

    subscript(policy: SlowConsumerPolicy) -> Int {
        get { policy == .conflate ? conflate : dropOldest }
        set { if policy == .conflate { conflate = newValue } else { dropOldest = newValue } }
    }

    /// Makes the pieces from this number on searchable again.
    mutating func goBack(to number: Int) {
        dropOldest = min(dropOldest, number)
        conflate = min(conflate, number)
    }
}
