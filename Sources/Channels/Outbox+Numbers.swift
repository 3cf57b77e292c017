internal import DequeModule

// Pieces keep their numbers, so that a reference to one finds it directly. Removing a piece from the middle leaves an
// empty one in its place; there are never more empty pieces than others, except for a few.
extension Outbox {
    private static let keptEmptied = 16

    /// The number of the next piece.
    var endNumber: Int { firstNumber + pieces.count }

    /// Removes a piece.
    func takeOut(_ index: Int) {
        pieces[index] = Piece(batch: noBatch, start: 0, end: 0)
        emptiedCount += 1
        trim()
        if emptiedCount > Outbox.keptEmptied, emptiedCount > pieces.count / 2 { compact() }
    }

    /// Splits the first piece in two: only that piece can begin inside a frame, whose rest is before the dropped
    /// message.
    func split(_ index: Int, _ before: Piece, _ behind: Piece) {
        precondition(index == 0, "Outbox: a piece behind the first begins within a frame")
        pieces[0] = behind
        pieces.prepend(before)
        firstNumber -= 1
    }

    /// Removes empty pieces at both ends.
    func trim() {
        while let first = pieces.first, first.isEmpty {
            pieces.removeFirst()
            firstNumber += 1
            emptiedCount -= 1
        }
        while let last = pieces.last, last.isEmpty {
            pieces.removeLast()
            emptiedCount -= 1
        }
        // Numbers after the end will be used again.
        dropSearch.goBack(to: endNumber)
        conflation.doneBelow = min(conflation.doneBelow, endNumber)
    }

    /// Removes all empty pieces and renumbers the others.
    private func compact() {
        var kept = Deque<Piece>()
        var numbers: [Int] = []
        for piece in pieces {
            numbers.append(firstNumber + kept.count)
            if !piece.isEmpty { kept.append(piece) }
        }
        conflation.latest = conflation.latest.compactMapValues { number in
            let index = number - firstNumber
            return pieces.indices.contains(index) && !pieces[index].isEmpty ? numbers[index] : nil
        }
        let done = conflation.doneBelow - firstNumber
        conflation.doneBelow = done < numbers.count ? numbers[max(done, 0)] : firstNumber + kept.count
        pieces = kept
        emptiedCount = 0
        dropSearch.goBack(to: firstNumber)
    }
}
