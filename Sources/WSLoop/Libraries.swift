internal import COpenSSL
internal import CUV

/// The versions of the libraries and the kernel features on this machine.
public enum Libraries {
    /// libuv's version.
    public static var libuv: String { unsafe String(cString: uv_version_string()) }

    /// OpenSSL's name and version.
    public static var openSSL: String { unsafe String(cString: OpenSSL_version(OPENSSL_VERSION)) }

    /// Whether writes can go through io_uring, or why not.
    public static var ioUring: String {
        do throws(SystemError) {
            _ = try RingSender { _ in }
            return "yes"
        } catch {
            return "no (\(error))"
        }
    }
}
