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
    /// The Redis key that notes the message's id; if it exists, nothing is published.
    var noteKey: String?

    /// The script's arguments; nil if it is not needed.
    func arguments(_ payload: [UInt8], command: String) -> [[UInt8]]? {
        if let limits {
            let words = [
                String(limits.maxMessages), String(limits.maxAgeSeconds), command, key ?? "", attributes.text,
            ]
            return [Array("publish".utf8), payload] + words.map { Array($0.utf8) }
        }
        return noteKey == nil ? nil : [Array("say".utf8), payload, Array(command.utf8)]
    }
}
