internal import Broker

/// What a message says in Redis besides its number, key and payload: lines, each of which begins with a letter.
///
/// Lines of later versions are ignored.
struct MessageAttributes: Equatable {
    /// The name of the connection that does not get it.
    var excluded: String?
    /// The growing message that it is a piece of.
    var piece: Publication.Piece?

    init() {}

    init(_ publication: Publication) {
        (excluded, piece) = (publication.excluded, publication.piece)
    }

    init(parsing text: String) {
        var start: Int?
        // Bytes, as a letter and a combining mark behind it are one `Character`.
        for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
            let value = String(decoding: line.dropFirst(), as: UTF8.self)
            switch line.first {
            case UInt8(ascii: "x"): excluded = value
            case UInt8(ascii: "b"): start = Int(value)
            case UInt8(ascii: "p"): piece = Publication.Piece(of: value, isLast: false, from: start)
            case UInt8(ascii: "e"): piece = Publication.Piece(of: value, isLast: true, from: start)
            default: break
            }
        }
    }

    /// The lines, but for that with the start of a piece, which the script adds before them; empty if there is nothing
    /// to say.
    var text: String {
        (excluded.map { "x\($0)\n" } ?? "") + (piece.map { "\($0.isLast ? "e" : "p")\($0.name)\n" } ?? "")
    }
}
