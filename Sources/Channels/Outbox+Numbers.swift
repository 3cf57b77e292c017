internal import DequeModule

// Pieces keep their numbers, so that what refers to one finds it at once. One that is taken out of the middle leaves an
// empty one in its place; there are never more of those than others, but for a few.
extension Outbox {
    private static let keptEmptied = 16

    /// The number of the next piece.
    var endNumber: Int { firstNumber + pieces.count }

    /// Takes a piece out.
    func takeOut(_ index: Int) {
        pieces[index] = Piece(batch: noBatch, start: 0, end: 0)
        emptiedCount += 1
        trim()
        if emptiedCount > Outbox.keptEmptied, emptiedCount > pieces.count / 2 { compact() }
    }

    /// Cuts the piece in front in two: only that can begin within a frame, whose rest comes before what is dropped.
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
        // The numbers behind the end are given again.
        dropSearch.goBack(to: endNumber)
        conflation.doneBelow = min(conflation.doneBelow, endNumber)
    }

    /// Removes all empty pieces, and numbers the others anew.
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
