/// A Redis command, as a list of words.
struct RedisCommand: Equatable {
    let words: [[UInt8]]

    init(_ name: String, _ arguments: [[UInt8]]) {
        words = [Array(name.utf8)] + arguments
    }

    init(_ words: String...) {
        self.words = words.map { Array($0.utf8) }
    }

    init(_ name: String, _ arguments: [String]) {
        self.init(name, arguments.map { Array($0.utf8) })
    }

    /// Appends the command in RESP: an array of strings.
    func append(to bytes: inout [UInt8]) {
        RedisCommand.appendLength("*", words.count, to: &bytes)
        for word in words {
            RedisCommand.appendLength("$", word.count, to: &bytes)
            bytes.append(contentsOf: word)
            bytes.append(contentsOf: [0x0D, 0x0A])
        }
    }

    private static func appendLength(_ kind: Unicode.Scalar, _ length: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: kind))
        bytes.append(contentsOf: String(length).utf8)
        bytes.append(contentsOf: [0x0D, 0x0A])
    }
}
