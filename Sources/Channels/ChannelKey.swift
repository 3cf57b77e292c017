/// A channel's name as a key of a dictionary: compared byte for byte, as in Redis.
///
/// Swift's strings are equal if they look the same (é as one scalar or as two); these are different channels.
struct ChannelKey: Hashable, Sendable {
    let name: String

    static func == (left: ChannelKey, right: ChannelKey) -> Bool {
        left.name.utf8.elementsEqual(right.name.utf8)
    }

    func hash(into hasher: inout Hasher) {
        let bytes = unsafe name.utf8.span.bytes
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
    }
}
