internal import COpenSSL

// What OpenSSL asks for a ticket: SSL_CTX_set_tlsext_ticket_key_evp_cb(3) and SSL_CTX_set_session_ticket_cb(3).
extension TicketKeys {
    /// Lets a context's tickets be sealed with these keys, which must live as long as it.
    func serve(_ context: OpaquePointer) {
        unsafe copenssl_set_tickets(
            context, Unmanaged.passUnretained(self).toOpaque(),
            { session, name, iv, cipher, mac, seals in
                guard let keys = unsafe TicketKeys.behind(copenssl_tickets(session)), let name = unsafe name else {
                    return 0
                }
                return unsafe seals == 1 ? keys.seal(name, iv, cipher, mac) : keys.open(name, iv, cipher, mac)
            },
            { session, pointer in
                unsafe TicketKeys.behind(pointer)?.noteAge(of: SSL_get_session(session)) ?? 0
            },
            { _, session, _, _, status, pointer in
                unsafe TicketKeys.behind(pointer)?.judgeAge(of: session, status) ?? SSL_TICKET_RETURN_IGNORE
            })
        // OpenSSL's own bound is what clients are told.
        unsafe copenssl_set_session_lifetime(context, Int(min(periodSeconds, 7_200)))
    }

    private static func behind(_ pointer: UnsafeMutableRawPointer?) -> TicketKeys? {
        unsafe pointer.map { unsafe Unmanaged<TicketKeys>.fromOpaque($0).takeUnretainedValue() }
    }

    /// 0: no ticket.
    private func seal(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> Int32 {
        guard let key = sealing() else { return 0 }
        // The name is what a key begins with.
        unsafe UnsafeMutableRawPointer(name).copyMemory(from: key.content, byteCount: Int(COPENSSL_TICKET_NAME_SIZE))
        return unsafe copenssl_use_ticket_key(key.content, cipher, mac, iv, 1)
    }

    /// 0: the session is not resumed; 2: it is, and its ticket sealed anew.
    private func open(
        _ name: UnsafeMutablePointer<UInt8>, _ iv: UnsafeMutablePointer<UInt8>?, _ cipher: OpaquePointer?,
        _ mac: OpaquePointer?
    ) -> Int32 {
        guard let (key, renews) = unsafe opening(name),
            unsafe copenssl_use_ticket_key(key.content, cipher, mac, iv, 0) == 1
        else { return 0 }
        return renews ? 2 : 1
    }

    /// A session that was resumed has its time already.
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
