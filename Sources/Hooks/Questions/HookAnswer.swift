public import Access

/// The backend's answer to a question.
public struct HookAnswer: Equatable, Sendable {
    /// Whether the client may do what it wants.
    public internal(set) var isAllowed: Bool
    /// Why not, for the client.
    public internal(set) var reason: String?
    /// The user that the client is.
    public internal(set) var user: String?
    /// What others see of the user in presence: JSON text.
    public internal(set) var info: [UInt8]?
    /// The channels that the client joins when it connects.
    public internal(set) var channels: [String] = []
    /// What the client may do.
    public internal(set) var grants = Grants()
    /// After how many seconds the client is closed unless it brings a new token; nil for no end.
    public internal(set) var expirySeconds: Int?
    /// For how many seconds the answer also holds for equal questions.
    public internal(set) var cacheSeconds = 0

    /// An answer that says nothing else.
    public init(isAllowed: Bool) {
        self.isAllowed = isAllowed
    }
}
