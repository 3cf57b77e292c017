internal import Bytes
internal import Glibc

/// A name that is compared byte for byte.
///
/// A `String` equals another one that merely looks the same (é as one or as two scalars); to Redis those are two channels.
struct ByteName: Hashable, Sendable {
    let text: String

    static func == (left: ByteName, right: ByteName) -> Bool {
        unsafe left.hasBytes(right.text.utf8.span.bytes)
    }

    func hash(into hasher: inout Hasher) {
        let bytes = unsafe text.utf8.span.bytes
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }

    func hasBytes(_ bytes: RawSpan) -> Bool {
        unsafe text.utf8.span.bytes.hasSameBytes(as: bytes)
    }
}

extension RawSpan {
    func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe withUnsafeBytes { here in
            unsafe other.withUnsafeBytes { there in
                guard let here = here.baseAddress, let there = there.baseAddress else { return true }
                return unsafe memcmp(here, there, byteCount) == 0
            }
        }
    }

    /// The bytes as text; nil if they are not UTF-8.
    var text: String? {
        unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
}
