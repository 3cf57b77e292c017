/// What the clients of an application may use at most, and what it wants to be told.
public struct PusherAppOptions: Equatable, Sendable {
    /// Their connections to one node; nil for no limit of the application's own.
    public var maxConnections: Int?
    /// The members of a presence channel.
    public var maxMembers = 100
    /// The client events of a connection in a second; nil for no limit of the application's own.
    public var maxClientEvents: Int?
    /// Whether clients are told how many subscriptions their channels have.
    public var countsSubscriptions = false
    /// Where its webhooks go; nil for none.
    public var webhookURL: String?

    /// The defaults.
    public init() {}

    /// Reads `NAME=VALUE`, each at most once; nil if something is not possible.
    init?(_ words: [Substring]) {
        var names: Set<Substring> = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, names.insert(parts[0]).inserted, set(parts[0], to: parts[1]) else { return nil }
        }
    }

    private mutating func set(_ name: Substring, to value: Substring) -> Bool {
        switch name {
        case "max-connections": return PusherAppOptions.read(value, as: &maxConnections)
        case "max-client-events": return PusherAppOptions.read(value, as: &maxClientEvents)
        case "max-members":
            var count: Int?
            guard PusherAppOptions.read(value, as: &count), let count else { return false }
            maxMembers = count
        case "subscription-count":
            guard value == "on" || value == "off" else { return false }
            countsSubscriptions = value == "on"
        case "webhook":
            guard let start = ["http://", "https://"].first(where: value.hasPrefix), value.count > start.count else {
                return false
            }
            webhookURL = String(value)
        default: return false
        }
        return true
    }

    private static func read(_ text: Substring, as number: inout Int?) -> Bool {
        number = Int(text)
        return number.map { 1...1_000_000_000 ~= $0 } ?? false
    }
}
