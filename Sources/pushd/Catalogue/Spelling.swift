/// Guesses which name a misspelt one is meant to be.
enum Spelling {
    /// The known name with the fewest changes, if they are few for its length.
    ///
    /// - Parameter prefix: what all names begin with, which does not count for the length.
    static func nearest(to name: String, among known: [String], prefix: String = "") -> String? {
        known.map { (name: $0, changes: changes(from: Array(name.utf8), to: Array($0.utf8))) }
            .filter { $0.changes <= max(1, ($0.name.utf8.count - prefix.utf8.count) / 4) }
            .min { $0.changes < $1.changes }?.name
    }

    /// The number of bytes to insert, remove or replace (Levenshtein distance).
    private static func changes(from left: [UInt8], to right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
