internal import COpenSSL

/// The script that numbers, keeps and reads messages in Redis, and the library of functions for other programs.
enum StreamScript {
    /// The script, for `EVAL` and `SCRIPT LOAD`.
    static let text = String(decoding: PackageResources.streams_lua, as: UTF8.self)
    /// The script's name in Redis, for `EVALSHA`.
    static let hash = sha1(PackageResources.streams_lua)

    /// A call of one of the script's commands.
    ///
    /// - Parameters:
    ///   - keys: the channel, and the key that notes the message's id if it has one.
    ///   - isWhole: whether the script itself is sent, and not only its name.
    static func call(_ arguments: [[UInt8]], on keys: [[UInt8]], isWhole: Bool = false) -> RedisCommand {
        let head = [isWhole ? text : hash, String(keys.count)].map { Array($0.utf8) }
        return RedisCommand(isWhole ? "EVAL" : "EVALSHA", head + keys + arguments)
    }

    /// Whether Redis refused a call because it does not know the script.
    static func isUnknown(_ error: String?) -> Bool { error?.hasPrefix("NOSCRIPT") == true }

    private static func sha1(_ bytes: [UInt8]) -> String {
        var digest = [UInt8](repeating: 0, count: 20)
        let succeeded = unsafe bytes.withUnsafeBytes { bytes in
            unsafe digest.withUnsafeMutableBufferPointer { digest in
                unsafe copenssl_sha1(bytes.baseAddress, bytes.count, nil, 0, digest.baseAddress)
            }
        }
        precondition(succeeded == 1, "libcrypto cannot compute SHA-1")
        return digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
