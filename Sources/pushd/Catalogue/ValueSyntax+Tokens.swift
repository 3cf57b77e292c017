import Bytes
import Glibc
import Tokens
import WSLoop

/// A file with keys for tokens.
struct TokenKeyFile {
    private static let maxBytes = 1 << 20

    let path: String
    let keys: TokenKeys

    /// Reads a file whose content is a secret; a line break at its end does not count.
    init(secret path: String) throws(ValueViolation) {
        let bytes = try TokenKeyFile.secret(in: path)
        self.path = path
        keys = try TokenKeyFile.usable(path) { () throws(TokenKeyViolation) in
            try TokenKeys([TokenKey(secret: bytes)])
        }
    }

    /// Reads a file with a public key, a certificate, or JSON Web Keys.
    init(keys path: String) throws(ValueViolation) {
        let bytes = try TokenKeyFile.read(path)
        self.path = path
        keys = try TokenKeyFile.usable(path) { () throws(TokenKeyViolation) in try TokenKeys(file: bytes) }
    }

    /// The bytes of a secret in a file.
    static func secret(in path: String) throws(ValueViolation) -> [UInt8] {
        var bytes = try read(path)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }

    static func read(_ path: String) throws(ValueViolation) -> [UInt8] {
        guard let bytes = SystemFile.read(path, minBytes: maxBytes) else {
            throw ValueViolation(value: path, expected: "readable: \(unsafe String(cString: strerror(errno)))")
        }
        return bytes
    }

    static func usable<Key>(
        _ path: String, _ make: () throws(TokenKeyViolation) -> Key
    ) throws(ValueViolation) -> Key {
        do throws(TokenKeyViolation) {
            return try make()
        } catch {
            throw ValueViolation(value: path, expected: "usable: \(error)")
        }
    }
}

extension ValueSyntax where Value == TokenKeyFile {
    /// A file that is a secret.
    static var tokenSecretFile: ValueSyntax {
        ValueSyntax("file", text: \.path) { path throws(ValueViolation) in try TokenKeyFile(secret: path) }
    }

    /// A file with public keys.
    static var tokenKeyFile: ValueSyntax {
        ValueSyntax("file", text: \.path) { path throws(ValueViolation) in try TokenKeyFile(keys: path) }
    }
}

extension ValueSyntax where Value == String {
    /// A JSON value.
    static var json: ValueSyntax {
        ValueSyntax("json", "JSON") { JSON.isValid(Array($0.utf8).rawSpan) ? $0 : nil }
    }

    /// The URL of a key set: secure, since who can change keys on their way can sign tokens.
    static var keySetURL: ValueSyntax {
        ValueSyntax("url") { text throws(ValueViolation) in
            let url = try webURL.parse(text)
            guard url.lowercased().hasPrefix("https://") || isForThisMachine(url) else {
                throw ValueViolation(
                    value: url.contains("@") ? "***" : url,
                    expected: "an https:// URL, or an http:// URL of this machine")
            }
            return url
        }
    }

    private static func isForThisMachine(_ url: String) -> Bool {
        let authority = url.dropFirst("http://".count).prefix { !"/?#".contains($0) }
        guard !authority.contains("@"), !authority.contains("\\"), let address = HostAndPort(authority) else {
            return false
        }
        return address.host.lowercased() == "localhost"
            || SocketAddress(host: String(address.host), port: 0)?.isLocal == true
    }

    /// The name of a cookie (RFC 6265 section 4.1.1).
    static var cookieName: ValueSyntax {
        ValueSyntax("name", "a cookie's name, of letters, digits and !#$%&'*+-.^_`|~") { text in
            let isName = text.utf8.allSatisfy { byte in
                "!#$%&'*+-.^_`|~".utf8.contains(byte) || Character(Unicode.Scalar(byte)).isASCIILetterOrDigit
            }
            return isName && !text.isEmpty ? text : nil
        }
    }
}

extension Character {
    fileprivate var isASCIILetterOrDigit: Bool { isASCII && (isLetter || isNumber) }
}
