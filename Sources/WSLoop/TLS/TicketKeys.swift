internal import COpenSSL
internal import CUV
internal import Glibc
internal import Synchronization

/// What a server's session tickets are sealed with, on all loops.
///
/// There is a new key each period. The one before it stays for tickets that are still good, and is wiped afterwards:
/// whoever reads the memory cannot decrypt what was recorded months ago. A session is resumed for one period after the
/// handshake in which all was verified, however often its ticket was renewed since.
final class TicketKeys: Sendable {
    /// Seconds since any moment, which pass while the machine sleeps, too.
    typealias Clock = @Sendable () -> UInt64

    static let systemClock: Clock = {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec)
    }

    private struct Keys {
        var newest: TicketKey?
        var previous: TicketKey?
    }

    private let keys = Mutex(Keys())
    private let clock: Clock
    /// A day; an hour where clients have certificates, which may expire or be revoked.
    let periodSeconds: UInt64

    init(verifiesClients: Bool, clock: @escaping Clock) {
        periodSeconds = verifiesClients ? 3_600 : 86_400
        self.clock = clock
    }

    var now: UInt64 { clock() }

    /// The key for a new ticket; nil if OpenSSL fails.
    func sealing() -> TicketKey? {
        let now = now
        return keys.withLock { keys in
            drop(before: now, &keys)
            if let newest = keys.newest, now - newest.madeAt < periodSeconds { return newest }
            guard let key = TicketKey(madeAt: now) else { return nil }
            keys.previous = keys.newest
            keys.newest = key
            return key
        }
    }

    /// The key with a name, and whether a ticket should be sealed anew; nil if there is none any more.
    func opening(_ name: UnsafePointer<UInt8>) -> (key: TicketKey, renews: Bool)? {
        let now = now
        return keys.withLock { keys in
            drop(before: now, &keys)
            if let key = keys.newest, unsafe key.isNamed(name) { return (key, now - key.madeAt >= periodSeconds) }
            if let key = keys.previous, unsafe key.isNamed(name) { return (key, true) }
            return nil
        }
    }

    /// Drops keys whose last ticket is too old.
    private func drop(before now: UInt64, _ keys: inout Keys) {
        if let key = keys.previous, now - key.madeAt >= 2 * periodSeconds { keys.previous = nil }
        if let key = keys.newest, now - key.madeAt >= 2 * periodSeconds { keys.newest = nil }
    }

    /// Whether a session may be resumed that was verified then.
    func isFresh(verifiedAt time: UInt64) -> Bool {
        time > 0 && now >= time && now - time < periodSeconds
    }
}

/// A key, which is wiped when it is dropped.
///
/// Nothing changes it after it was made, so all threads may use it.
@safe
final class TicketKey: @unchecked Sendable {
    let madeAt: UInt64
    let content: UnsafeMutablePointer<copenssl_ticket_key>

    /// Nil if OpenSSL has no random bytes.
    init?(madeAt: UInt64) {
        self.madeAt = madeAt
        unsafe content = .allocate(capacity: 1)
        unsafe content.initialize(to: copenssl_ticket_key())
        guard unsafe copenssl_make_ticket_key(content) == 1 else { return nil }
    }

    deinit {
        unsafe OPENSSL_cleanse(content, MemoryLayout<copenssl_ticket_key>.size)
        unsafe content.deallocate()
    }

    func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
        unsafe memcmp(name, content, Int(COPENSSL_TICKET_NAME_SIZE)) == 0
    }
}
