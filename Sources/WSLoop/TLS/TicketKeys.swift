internal import COpenSSL
internal import CUV
internal import Glibc
internal import Synchronization

/// The keys that seal a server's session tickets, shared by all loops.
///
/// Each period gets a new key. The previous one is kept while tickets sealed with it are valid, and then wiped: an
/// attacker who reads the memory cannot decrypt traffic recorded months ago. A session can be resumed for one period
/// after its full handshake, however often its ticket was renewed since.
final class TicketKeys: Sendable {
    /// Seconds from an arbitrary start, which also pass while the machine is suspended.
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
    /// A day; an hour if clients have certificates, which may expire or be revoked.
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
            if let newest = keys.newest, newest.age(at: now) < periodSeconds { return newest }
            guard let key = TicketKey(madeAt: now) else { return nil }
            keys.previous = keys.newest
            keys.newest = key
            return key
        }
    }

    /// The key with a name, and whether a ticket sealed with it should be renewed; nil if that key is gone.
    func opening(_ name: UnsafePointer<UInt8>) -> (key: TicketKey, renews: Bool)? {
        let now = now
        return keys.withLock { keys in
            drop(before: now, &keys)
            if let key = keys.newest, unsafe key.isNamed(name) { return (key, key.age(at: now) >= periodSeconds) }
            if let key = keys.previous, unsafe key.isNamed(name) { return (key, true) }
            return nil
        }
    }

    /// Drops keys whose tickets are all too old.
    private func drop(before now: UInt64, _ keys: inout Keys) {
        if let key = keys.previous, key.age(at: now) >= 2 * periodSeconds { keys.previous = nil }
        if let key = keys.newest, key.age(at: now) >= 2 * periodSeconds { keys.newest = nil }
    }

    /// Whether a session that was verified at that time may be resumed.
    func isFresh(verifiedAt time: UInt64) -> Bool {
        time > 0 && now >= time && now - time < periodSeconds
    }
}

/// A key, which is wiped when it is freed.
///
/// It never changes after it was made, so all threads may use it.
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

    /// Its age in seconds; 0 if it was made after `now` was read, by another loop.
    func age(at now: UInt64) -> UInt64 { now > madeAt ? now - madeAt : 0 }

    func isNamed(_ name: UnsafePointer<UInt8>) -> Bool {
        unsafe memcmp(name, content, Int(COPENSSL_TICKET_NAME_SIZE)) == 0
    }
}
