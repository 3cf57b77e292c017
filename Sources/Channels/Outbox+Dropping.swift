internal import Bytes
internal import DequeModule

// Dropping single messages. What was begun is always finished, and replies are never dropped.
extension Outbox {
    /// The policy of the newest message that may still be dropped; nil if there is none.
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

    /// Drops the oldest message of a channel whose policy lets newer ones take its place.
    ///
    /// A conflated channel has one message here, which goes only where there is no other.
    func dropOldest() {
        guard let index = firstPiece(.dropOldest) ?? firstPiece(.conflate) else { return }
        drop(pieces[index].unbegunMessages.lowerBound, of: index)
    }

    /// What lies before the place where the last search ended holds nothing to drop: nothing is ever added there.
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

    /// Hands over how many messages of which channel were dropped since the last call.
    func takeMissed() -> [ByteName: Int] {
        defer { missed = [:] }
        return missed
    }

    /// Takes a message out of a piece.
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

/// Where the searches for the oldest message to drop go on: each piece is passed by once, and not at each drop.
struct DropSearch {
    private var dropOldest = 0
    private var conflate = 0

    subscript(policy: SlowConsumerPolicy) -> Int {
        get { policy == .conflate ? conflate : dropOldest }
        set { if policy == .conflate { conflate = newValue } else { dropOldest = newValue } }
    }

    /// The pieces from this number on are new.
    mutating func goBack(to number: Int) {
        dropOldest = min(dropOldest, number)
        conflate = min(conflate, number)
    }
}
