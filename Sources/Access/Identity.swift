internal import Bytes

/// Who a client is and what it may do, according to its token or to the backend.
///
/// It never changes, and may be used on any thread. A connection without a token has none. Each connection with one
/// keeps it, so it is one allocation of 42 bytes and the user's name: grants are shared, and what few tokens have is
/// apart from it.
@safe
public struct Identity: @unchecked Sendable {
    private struct Header {
        let rights: Rights
        let markValue: UInt64
        let expiry: UnixSecond
        let issue: UnixSecond
        let nameBytes: UInt16
    }

    // Sendable: nothing is written after the initialiser, and what the header refers to is Sendable.
    private let storage: ManagedBuffer<Header, UInt8>

    /// Makes an identity.
    public init(
        user: String, isNamed: Bool = true, info: [UInt8]? = nil, grants: Grants = Grants(), channels: [String] = [],
        expiresAt: Int? = nil, issuedAt: Int? = nil, mark: TokenMark? = nil, tokenKey: UInt64? = nil
    ) {
        let hasGrants = grants != Grants() || tokenKey != nil
        self.init(
            user: user, isNamed: isNamed, info: info,
            sharing: hasGrants ? SharedGrants(grants, tokenKey: tokenKey) : nil,
            channels: channels, expiresAt: expiresAt, issuedAt: issuedAt, mark: mark)
    }

    /// Makes an identity with grants that others have as well.
    ///
    /// - Parameter user: of at most 255 bytes.
    public init(
        user: String, isNamed: Bool, info: [UInt8]?, sharing grants: SharedGrants?, channels: [String],
        expiresAt: Int?, issuedAt: Int?, mark: TokenMark?
    ) {
        let name = Array(user.utf8)
        let rights =
            info != nil || !channels.isEmpty || !isNamed
            ? Rights.detailed(IdentityDetails(isNamed: isNamed, info: info, channels: channels, grants: grants))
            : grants.map { .granted($0) } ?? .none
        let header = Header(
            rights: rights, markValue: mark?.value ?? 0, expiry: UnixSecond(expiresAt), issue: UnixSecond(issuedAt),
            nameBytes: UInt16(name.count))
        storage = ManagedBuffer<Header, UInt8>.create(minimumCapacity: name.count) { _ in header }
        unsafe storage.withUnsafeMutablePointerToElements { bytes in
            unsafe bytes.initialize(from: name, count: name.count)
        }
    }

    /// The user's name.
    public var user: String { unsafe withName { unsafe String(decoding: $0, as: UTF8.self) } }

    /// Whether this is the user's name, byte by byte.
    public func names(_ user: String) -> Bool {
        unsafe withName { unsafe user.utf8.span.bytes.hasSameBytes(as: RawSpan(_unsafeElements: $0)) }
    }

    private func withName<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        unsafe storage.withUnsafeMutablePointers { header, bytes in
            unsafe body(UnsafeBufferPointer(start: bytes, count: Int(header.pointee.nameBytes)))
        }
    }

    /// Whether the issuer named the user.
    public var isNamed: Bool { details?.isNamed ?? true }
    /// What others see of the user in presence, as JSON text.
    public var info: [UInt8]? { details?.info }
    /// What the client may do.
    public var grants: Grants { sharedGrants?.grants ?? Grants() }
    /// The fingerprint of the key that its token was verified with; nil if the client has no token.
    public var tokenKey: UInt64? { sharedGrants?.tokenKey }
    /// The channels that the client joins when it connects; it may subscribe to them.
    public var channels: [String] { details?.channels ?? [] }
    /// When the identity ends, in seconds of Unix time.
    public var expiresAt: Int? { storage.header.expiry.seconds }
    /// When it was issued, in seconds of Unix time.
    public var issuedAt: Int? { storage.header.issue.seconds }
    /// What recognises the token; nil if the identity is the backend's.
    public var mark: TokenMark? { TokenMark(value: storage.header.markValue) }

    private var rights: Rights { storage.header.rights }
    private var details: IdentityDetails? { if case .detailed(let details) = rights { details } else { nil } }

    private var sharedGrants: SharedGrants? {
        switch rights {
        case .none: nil
        case .granted(let grants): grants
        case .detailed(let details): details.grants
        }
    }

    /// Whether a grant allows an action where a rule asks for a token.
    func isGranted(_ action: ChannelAction, _ channel: String) -> Bool {
        sharedGrants?.grants.allow(action, channel) == true
            || action == .subscribe && channels.contains { ByteName($0) == ByteName(channel) }
    }
}

/// What many identities have in one place: their grants, and the key of their tokens.
public final class SharedGrants: Sendable {
    let grants: Grants
    let tokenKey: UInt64?

    /// Makes grants that can be shared.
    ///
    /// - Parameter tokenKey: the fingerprint of the key that their tokens were verified with; nil for none.
    public init(_ grants: Grants, tokenKey: UInt64?) {
        (self.grants, self.tokenKey) = (grants, tokenKey)
    }
}

/// What a token says besides who and when, in one word.
private enum Rights: Sendable {
    case none
    case granted(SharedGrants)
    case detailed(IdentityDetails)
}

private final class IdentityDetails: Sendable {
    let isNamed: Bool
    let info: [UInt8]?
    let channels: [String]
    let grants: SharedGrants?

    init(isNamed: Bool, info: [UInt8]?, channels: [String], grants: SharedGrants?) {
        (self.isNamed, self.info, self.channels, self.grants) = (isNamed, info, channels, grants)
    }
}

/// A time from 1970 to 2106, or none, in four bytes.
private struct UnixSecond {
    private let value: UInt32

    init(_ seconds: Int?) {
        value = seconds.map { UInt32(clamping: max($0, 1)) } ?? 0
    }

    var seconds: Int? { value == 0 ? nil : Int(value) }
}
