internal import Bytes
internal import DequeModule

// Conflation: only the newest message of each channel (or of each of its keys) stays queued. The message to replace is
// found by lookup, so the cost does not depend on the number of keys.
extension Outbox {
    /// Drops all messages of conflated channels except the newest per channel or key.
    ///
    /// - Returns: the number of dropped messages.
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

    /// Adds a piece, message by message if its channel is conflated, and drops the messages it replaces.
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

    /// Drops the queued message of a key; false if there is none.
    private func dropReplaced(_ key: Conflation.Key) -> Bool {
        guard let index = waitingPiece(of: key) else { return false }
        drop(pieces[index].unbegunMessages.lowerBound, of: index)
        return true
    }

    /// The index of the piece with a key's queued message.
    ///
    /// The stored piece number may by now belong to another piece, or to none.
    private func waitingPiece(of key: Conflation.Key) -> Int? {
        guard let number = conflation.latest[key] else { return nil }
        let index = number - firstNumber
        guard pieces.indices.contains(index), let channel = pieces[index].batch.channel,
            let message = pieces[index].unbegunMessages.first
        else { return nil }
        let found = Conflation.Key(channel: ObjectIdentifier(channel), key: pieces[index].batch.key(ofFrame: message))
        return found == key ? index : nil
    }

    /// Keeps the number of keys proportional to the number of queued pieces.
    private func forgetGone() {
        guard conflation.latest.count > 2 * pieces.count + Conflation.keptKeys else { return }
        conflation.latest = conflation.latest.filter { waitingPiece(of: $0.key) != nil }
    }
}

/// The positions of each key's newest message.
struct Conflation {
    /// A channel and an optional key; a newer message replaces the older one with the same value.
    struct Key: Hashable {
        let channel: ObjectIdentifier
        let key: ByteName?
    }

    static let keptKeys = 64

    /// The piece number of each key's newest message.
    var latest: [Key: Int] = [:]
    /// Pieces with lower numbers have already been conflated.
    var doneBelow = 0
}
