internal import COpenSSL

/// OpenSSL's encryption and decryption contexts: one set for all sessions of a loop.
///
/// A context takes 1.1 KB, and setting another session's key costs a seventh of a microsecond. So a session keeps only
/// its keys (120 bytes for each direction) and borrows a context. Confined to one thread.
@safe
public final class RecordCiphers {
    enum Direction: Int, CaseIterable { case opening, sealing }

    /// By algorithm and direction; created at first use.
    // Unchecked: docs/decisions/0009.
    @safe @exclusivity(unchecked) private var contexts: [OpaquePointer?]

    /// Makes an empty set.
    public init() {
        unsafe contexts = Array(
            repeating: nil, count: RecordSuite.AEAD.allCases.count * RecordCiphers.Direction.allCases.count)
    }

    deinit { forgetKeys() }

    /// Frees the contexts, which still hold the keys of the last sessions that used them; freeing wipes the keys.
    public func forgetKeys() {
        for index in unsafe contexts.indices {
            unsafe EVP_CIPHER_CTX_free(contexts[index])
            unsafe contexts[index] = nil
        }
    }

    /// Whether there are no contexts, and therefore no keys.
    var isEmpty: Bool { unsafe contexts.allSatisfy { unsafe $0 == nil } }

    /// The context for an algorithm and direction; nil if there is no memory for it.
    func context(_ aead: RecordSuite.AEAD, _ direction: Direction) -> OpaquePointer? {
        let index = aead.rawValue * Direction.allCases.count + direction.rawValue
        if let context = unsafe contexts[index] { return unsafe context }
        unsafe contexts[index] = copenssl_aead(aead.name, direction == .sealing ? 1 : 0)
        return unsafe contexts[index]
    }
}

@available(*, unavailable)
extension RecordCiphers: Sendable {}
