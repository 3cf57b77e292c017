internal import COpenSSL

// OpenSSL's callbacks for tickets: SSL_CTX_set_tlsext_ticket_key_evp_cb(3) and SSL_CTX_set_session_ticket_cb(3).
extension TicketKeys {
    /// Makes a context seal its tickets with these keys, which must outlive it.
    func serve(_ context: OpaquePointer) {
        unsafe copenssl_set_tickets(
            context, Unmanaged.passUnretained(self).toOpaque(),
            { session, name, iv, cipher, mac, seals in
                guard let keys = unsafe TicketKeys.keys(at: copenssl_tickets(session)), let name = unsafe name else {
                    return 0
                }
                return unsafe seals == 1 ? keys.seal(name, iv, cipher, mac) : keys.open(name, iv, cipher, mac)
            },
            { session, pointer in
                unsafe TicketKeys.keys(at: pointer)?.noteAge(of: SSL_get_session(session)) ?? 0
            },
            { _, session, _, _, status, pointer in
                unsafe TicketKeys.keys(at: pointer)?.judgeAge(of: session, status) ?? SSL_TICKET_RETURN_IGNORE
            })
        // Clients are told a lifetime of at most OpenSSL's default.
        unsafe copenssl_set_session_lifetime(context, Int(min(periodSeconds, 7_200)))
    }

    private static func keys(at pointer: UnsafeMutableRawPointer?) -> TicketKeys? {
        unsafe pointer.map { unsafe Unmanaged<TicketKeys>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Returns 0 for no ticket.
    private func seal(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> Int32 {
        guard let key = sealing() else { return 0 }
        // A key begins with its name.
        unsafe UnsafeMutableRawPointer(name).copyMemory(from: key.content, byteCount: Int(COPENSSL_TICKET_NAME_SIZE))
        return unsafe copenssl_use_ticket_key(key.content, cipher, mac, iv, 1)
    }

    /// Returns 0 if the session is not resumed, 1 if it is, and 2 if its ticket should also be renewed.
    private func open(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> Int32 {
        guard let (key, renews) = unsafe opening(name),
            unsafe copenssl_use_ticket_key(key.content, cipher, mac, iv, 0) == 1
        else { return 0 }
        return renews ? 2 : 1
    }

    /// A resumed session keeps the time of its original handshake.
    private func noteAge(of session: OpaquePointer?) -> Int32 {
        guard let session = unsafe session else { return 0 }
        return unsafe copenssl_verified_at(session) > 0 ? 1 : copenssl_note_verified_at(session, max(now, 1))
    }

    private func judgeAge(of session: OpaquePointer?, _ status: SSL_TICKET_STATUS) -> SSL_TICKET_RETURN {
        guard let session = unsafe session, status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW,
            isFresh(verifiedAt: unsafe copenssl_verified_at(session))
        else { return SSL_TICKET_RETURN_IGNORE_RENEW }
        return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
    }
}
