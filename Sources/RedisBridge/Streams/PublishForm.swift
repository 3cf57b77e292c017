internal import Broker

/// How a message is published.
struct PublishForm {
    /// A bare payload.
    static let plain = PublishForm()

    /// What the channel keeps of its messages, if the script is to number and keep this one.
    var limits: StreamLimits?
    /// What the script keeps with it.
    var key: String?
    var attributes = MessageAttributes()
    /// Where a piece is appended, and the most bytes of all growing messages of the channel.
    var growth: (key: String, maxBytes: Int)?
    /// The Redis key that notes the message's id; if it exists, nothing is published.
    var noteKey: String?

    /// The keys that the script uses besides the channel's.
    var furtherKeys: [String] { [growth?.key, noteKey].compactMap(\.self) }

    /// The script's arguments; nil if it is not needed.
    func arguments(_ payload: [UInt8], command: String) -> [[UInt8]]? {
        if let limits {
            var words = [String(limits.maxMessages), String(limits.maxAgeSeconds), command]
            if let growth, let piece = attributes.piece {
                words += [attributes.text, piece.name, piece.isLast ? "1" : "0", String(growth.maxBytes)]
            } else {
                words += [key ?? "", attributes.text]
            }
            return [Array((growth == nil ? "publish" : "grow").utf8), payload] + words.map { Array($0.utf8) }
        }
        return noteKey == nil ? nil : [Array("say".utf8), payload, Array(command.utf8)]
    }
}
