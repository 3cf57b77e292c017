/// The lines of a text, counted naively.
enum Lines {
    /// What YAML 1.1 takes for a line break: LF, CR, both together, NEL, LS and PS.
    private static let breaks: [[UInt8]] = [
        [13, 10], [10], [13], [0xC2, 0x85], [0xE2, 0x80, 0xA8], [0xE2, 0x80, 0xA9],
    ]

    static func breaks(in bytes: [UInt8]) -> Int {
        var (rest, count) = (bytes[...], 0)
        while !rest.isEmpty {
            let found = breaks.first { rest.starts(with: $0) }
            if found != nil { count += 1 }
            rest = rest.dropFirst(found?.count ?? 1)
        }
        return count
    }
}
