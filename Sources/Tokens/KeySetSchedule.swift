/// Decides when the keys of a provider are fetched, and keeps them while it is away.
///
/// Times are in seconds of a clock that never goes back.
public struct KeySetSchedule: Sendable {
    /// How long fetched keys count before they are fetched again; what the provider says is brought into this range.
    static let lifetimes = 300...86_400
    private static let usualLifetime = 3600
    /// The time between two attempts, however many tokens name unknown keys.
    static let pauseSeconds = 10.0

    /// What is known about the provider's keys.
    public enum State: String, CaseIterable, Sendable {
        /// They have not been fetched yet.
        case missing
        /// The last fetch succeeded.
        case fresh
        /// The last fetch failed, or none has succeeded since a reload; the keys of an earlier one count.
        case stale
    }

    /// The keys of the last fetch that succeeded.
    public private(set) var keys: TokenKeys?
    /// What is known about them.
    public private(set) var state = State.missing
    /// Whether a fetch is under way.
    public private(set) var isFetching = false
    private var nextFetch = -Double.infinity
    private var lastStart = -Double.infinity

    /// A schedule whose first fetch is due at once.
    ///
    /// - Parameter keys: those of another provider, which count until that fetch has succeeded.
    public init(replacing keys: TokenKeys? = nil) {
        self.keys = keys
        if keys != nil { state = .stale }
    }

    /// Begins a fetch if one is due.
    ///
    /// - Returns: whether the caller must fetch now.
    public mutating func beginIfDue(at now: Double) -> Bool {
        now >= nextFetch && begin(at: now)
    }

    /// Begins a fetch because a token names an unknown key, unless the last one began a short time ago.
    ///
    /// - Returns: whether the caller must fetch now.
    public mutating func beginForUnknownKey(at now: Double) -> Bool {
        now - lastStart >= KeySetSchedule.pauseSeconds && begin(at: now)
    }

    private mutating func begin(at now: Double) -> Bool {
        guard !isFetching else { return false }
        isFetching = true
        lastStart = now
        return true
    }

    /// Takes over the keys of a fetch; they are fetched again when four fifths of their lifetime have passed.
    ///
    /// - Parameter cacheControl: the header of the response.
    public mutating func succeeded(_ keys: TokenKeys, cacheControl: String?, at now: Double) {
        isFetching = false
        self.keys = keys
        state = .fresh
        let lifetime = cacheControl.flatMap(KeySetSchedule.maxAge) ?? KeySetSchedule.usualLifetime
        let allowed = KeySetSchedule.lifetimes
        nextFetch = now + Double(min(max(lifetime, allowed.lowerBound), allowed.upperBound)) * 0.8
    }

    /// Keeps the old keys after a fetch that failed, and tries again soon.
    public mutating func failed(at now: Double) {
        isFetching = false
        if keys != nil { state = .stale }
        nextFetch = now + KeySetSchedule.pauseSeconds
    }

    /// The seconds in `max-age=` of a Cache-Control header; nil if it has none.
    static func maxAge(in cacheControl: String) -> Int? {
        for directive in cacheControl.split(separator: ",") {
            let parts = directive.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].drop(while: \.isWhitespace).lowercased() == "max-age" else { continue }
            return Int(parts[1].filter { $0 != "\"" && !$0.isWhitespace })
        }
        return nil
    }
}
