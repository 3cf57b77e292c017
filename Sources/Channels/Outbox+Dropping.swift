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

    private func firstPiece(_ policy: SlowConsumerPolicy) -> Int? {
        pieces.firstIndex { $0.batch.policy == policy && !$0.unbegunMessages.isEmpty }
    }

    /// Of each conflated channel, or of each of its keys, drops all messages but the newest.
    ///
    /// - Returns: how many were dropped.
    func conflate() -> Int {
        guard mayConflate else { return 0 }
        mayConflate = false
        var newer: Set<ConflationKey> = []
        var dropped = 0
        // From the back, so that what is cut off or taken out leaves the numbers of everything before it alone.
        for index in pieces.indices.reversed() {
            let batch = pieces[index].batch
            guard batch.policy == .conflate, let channel = batch.channel else { continue }
            for message in pieces[index].unbegunMessages.reversed() {
                let key = ConflationKey(channel: ObjectIdentifier(channel), key: batch.key(ofFrame: message))
                guard !newer.insert(key).inserted else { continue }
                drop(message, of: index)
                dropped += 1
            }
        }
        return dropped
    }

    /// Hands over how many messages of which channel were dropped since the last call.
    func takeMissed() -> [ByteName: Int] {
        defer { missed = [:] }
        return missed
    }

    /// Takes a message out of a piece, which is cut in two if it is in its middle.
    private func drop(_ message: Int, of index: Int) {
        let piece = pieces[index]
        let bytes = piece.batch.startOfFrame(message)..<piece.batch.startOfFrame(message + 1)
        let before = Piece(batch: piece.batch, start: piece.start, end: bytes.lowerBound)
        let behind = Piece(batch: piece.batch, start: bytes.upperBound, end: piece.end)
        switch (before.start < before.end, behind.start < behind.end) {
        case (true, true):
            pieces[index] = before
            pieces.insert(behind, at: index + 1)
        case (true, false): pieces[index] = before
        case (false, true): pieces[index] = behind
        case (false, false): pieces.remove(at: index)
        }
        count(piece.batch, -bytes.count)
        if tellsMissed, let channel = piece.batch.channel { missed[ByteName(channel.name), default: 0] += 1 }
    }
}

/// What a newer message takes the place of.
private struct ConflationKey: Hashable {
    let channel: ObjectIdentifier
    let key: ByteName?
}
