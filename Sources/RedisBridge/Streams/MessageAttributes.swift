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
        for line in text.split(separator: "\n") {
            switch line.first {
            case "x": excluded = String(line.dropFirst())
            default: break
            }
        }
    }

    /// The lines; empty if there is nothing to say.
    var text: String { excluded.map { "x\($0)\n" } ?? "" }
}
