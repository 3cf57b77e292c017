internal import Bytes
internal import DequeModule

// Conflation: of each channel, or of each of its keys, only the newest message waits. The piece that a message replaces
// is looked up, so a message costs the same however many keys wait.
extension Outbox {
    /// Of each conflated channel, or of each of its keys, drops all messages but the newest.
    ///
    /// - Returns: how many were dropped.
    func conflate() -> Int {
        guard mayConflate else { return 0 }
        mayConflate = false
        let known = min(max(conflation.doneBelow - firstNumber, 0), pieces.count)
        let added = Array(pieces[known...])
        pieces.removeLast(added.count)
        let dropped = added.reduce(0) { $0 + appendConflated($1) }
        conflation.doneBelow = endNumber
        forgetGone()
        return dropped
    }

    /// Adds a piece, of a conflated channel message by message, and drops what its messages take the place of.
    private func appendConflated(_ piece: Piece) -> Int {
        let batch = piece.batch
        let messages = piece.unbegunMessages
        guard batch.policy == .conflate, let channel = batch.channel, !messages.isEmpty else {
            pieces.append(piece)
            return 0
        }
        let start = batch.startOfFrame(messages.lowerBound)
        if piece.start < start { pieces.append(Piece(batch: batch, start: piece.start, end: start)) }
        var dropped = 0
        for message in messages {
            let key = Conflation.Key(channel: ObjectIdentifier(channel), key: batch.key(ofFrame: message))
            if dropReplaced(key) { dropped += 1 }
            conflation.latest[key] = endNumber
            let end = batch.startOfFrame(message + 1)
            pieces.append(Piece(batch: batch, start: batch.startOfFrame(message), end: end))
        }
        return dropped
    }

    /// Drops the message that waits under a key; false if none does.
    private func dropReplaced(_ key: Conflation.Key) -> Bool {
        guard let index = waitingPiece(of: key) else { return false }
        drop(pieces[index].unbegunMessages.lowerBound, of: index)
        return true
    }

    /// Where the message of a key waits.
    ///
    /// The number that was noted may by now be that of another piece, or of none.
    private func waitingPiece(of key: Conflation.Key) -> Int? {
        guard let number = conflation.latest[key] else { return nil }
        let index = number - firstNumber
        guard pieces.indices.contains(index), let channel = pieces[index].batch.channel,
            let message = pieces[index].unbegunMessages.first
        else { return nil }
        let found = Conflation.Key(channel: ObjectIdentifier(channel), key: pieces[index].batch.key(ofFrame: message))
        return found == key ? index : nil
    }

    /// Keeps the number of keys in proportion to what waits.
    private func forgetGone() {
        guard conflation.latest.count > 2 * pieces.count + Conflation.keptKeys else { return }
        conflation.latest = conflation.latest.filter { waitingPiece(of: $0.key) != nil }
    }
}

/// Where the newest message of each key waits.
struct Conflation {
    /// What a newer message takes the place of.
    struct Key: Hashable {
        let channel: ObjectIdentifier
        let key: ByteName?
    }

    static let keptKeys = 64

    /// The number of a key's piece.
    var latest: [Key: Int] = [:]
    /// Pieces with lower numbers were conflated.
    var doneBelow = 0
}
