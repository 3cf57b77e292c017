public import Access

/// An application of Pusher's clients.
///
/// Whoever has its key may connect. Whoever has its secret may publish, and may let clients into channels. A class, as
/// each of its connections refers to it.
public final class PusherApp: Equatable, Sendable {
    private static let maxBytes = 128

    /// Its name in the paths of the HTTP API.
    public let id: String
    /// Its name in the paths of WebSockets, and in signatures.
    public let key: String
    /// Its limits.
    public let options: PusherAppOptions
    /// Signs with its secret.
    public let signer: TextSigner

    /// Reads `ID:KEY:SECRET`, perhaps with options behind spaces; nil if it has another form.
    ///
    /// An id and a key have only letters, digits, `-` and `_`, so that each can be spelled in one way only in a path.
    public init?(_ text: String) {
        let words = text.split(separator: " ")
        guard let name = words.first, let options = PusherAppOptions(Array(words.dropFirst())) else { return nil }
        let parts = name.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ 1...PusherApp.maxBytes ~= $0.utf8.count }),
            parts[..<2].allSatisfy({ $0.utf8.allSatisfy(PusherApp.isPlain) }),
            parts[2].utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: ",") })
        else { return nil }
        (id, key, self.options) = (String(parts[0]), String(parts[1]), options)
        signer = TextSigner(secret: Array(parts[2].utf8))
    }

    /// Whether both have the same id, key, secret and options.
    public static func == (left: PusherApp, right: PusherApp) -> Bool {
        left.isSame(as: right) && left.signer == right.signer && left.options == right.options
    }

    /// Whether this is the same application, perhaps with another secret or other options.
    public func isSame(as other: PusherApp) -> Bool { id == other.id && key == other.key }

    /// Whether a text was signed with the secret.
    func accepts(_ signature: String, of text: String) -> Bool { signer.accepts(signature, of: Array(text.utf8)) }

    /// Whether `KEY:SIGNATURE`, as application servers hand it to clients, is of this application and of this text.
    func accepts(auth: String, of text: String) -> Bool {
        guard let colon = auth.firstIndex(of: ":"), auth[..<colon] == key else { return false }
        return accepts(String(auth[auth.index(after: colon)...]), of: text)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
