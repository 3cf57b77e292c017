internal import Glibc

/// A name that is compared byte by byte: two spellings of one text are two names.
///
/// Two `String`s are equal if they look the same (é as one scalar or as two); as channels they are different.
public struct ByteName: Hashable, Sendable {
    /// The name.
    public let text: String

    /// Wraps a name.
    public init(_ text: String) {
        self.text = text
    }

    /// Whether two names have the same bytes.
    public static func == (left: ByteName, right: ByteName) -> Bool {
        unsafe left.text.utf8.span.bytes.hasSameBytes(as: right.text.utf8.span.bytes)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        let bytes = unsafe text.utf8.span.bytes
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }

    /// Whether the name consists of these bytes.
    public func hasBytes(_ bytes: RawSpan) -> Bool {
        unsafe text.utf8.span.bytes.hasSameBytes(as: bytes)
    }
}

extension RawSpan {
    /// Whether both spans hold the same bytes.
    public func hasSameBytes(as other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        return unsafe withUnsafeBytes { here in
            unsafe other.withUnsafeBytes { there in
                guard let here = here.baseAddress, let there = there.baseAddress else { return true }
                return unsafe memcmp(here, there, byteCount) == 0
            }
        }
    }

    /// The bytes as text; nil if they are not UTF-8.
    public var text: String? {
        unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    }
}
