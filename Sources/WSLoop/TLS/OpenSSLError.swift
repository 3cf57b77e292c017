internal import COpenSSL
internal import CUV

/// An entry of OpenSSL's error queue of the current thread.
///
/// SSL_get_error(3) reads that queue, so clear it before each call that may fail.
struct OpenSSLError: CustomStringConvertible {
    private let code: UInt

    static func clear() {
        ERR_clear_error()
    }

    /// Takes the oldest entry, which is the cause (the later ones come from the callers), and drops the others.
    static func take() -> OpenSSLError {
        defer { ERR_clear_error() }
        return OpenSSLError(code: ERR_get_error())
    }

    /// Makes a call that returns 1 on success.
    ///
    /// - Returns: the error text, or nil.
    static func words(from call: () -> Int32) -> String? {
        clear()
        return call() == 1 ? nil : take().description
    }

    /// The text for an errno value, the same as in a `SystemError`.
    static func words(errno code: Int32) -> String {
        unsafe String(cString: uv_strerror(-code))
    }

    /// The text for an alert from the peer.
    static func words(alert code: UInt8) -> String {
        OpenSSLError(code: UInt(ERR_LIB_SSL) << UInt(ERR_LIB_OFFSET) | UInt(SSL_AD_REASON_OFFSET) + UInt(code))
            .description
    }

    private var isSystem: Bool { ERR_GET_LIB(code) == ERR_LIB_SYS }

    /// The errno value if a system call failed.
    var errno: Int32? { isSystem ? ERR_GET_REASON(code) : nil }

    /// Whether the error is this reason code of libssl (SSL_R_…).
    func isReason(_ reason: Int32) -> Bool {
        ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == reason
    }

    /// The error text of OpenSSL or of the system.
    var description: String {
        if let errno { return OpenSSLError.words(errno: errno) }
        guard let text = unsafe ERR_reason_error_string(code) else { return "OpenSSL gives no reason (\(code))" }
        return unsafe String(cString: text)
    }
}
