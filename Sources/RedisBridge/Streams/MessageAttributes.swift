internal import Broker

/// What a message says in Redis besides its number, key and payload: lines, each of which begins with a letter.
///
/// Lines of later versions are ignored.
struct MessageAttributes: Equatable {
    /// The name of the connection that does not get it.
    var excluded: String?

    init() {}

    init(_ publication: Publication) {
        excluded = publication.excluded
    }

    init(parsing text: String) {
        // Bytes, as a letter and a combining mark behind it are one `Character`.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            switch line.first {
            case UInt8(ascii: "x"): excluded = String(decoding: line.dropFirst(), as: UTF8.self)
            default: break
            }
        }
    }

    /// The lines; empty if there is nothing to say.
    var text: String { excluded.map { "x\($0)\n" } ?? "" }
}
