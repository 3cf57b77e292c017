internal import Bytes
public import Channels

/// What a client has got of the histories of several channels: the `id:` of an event, opaque to the client.
///
/// The text is Base64 for URLs, so that it cannot end a line or a field. It encodes a version, and for each channel a
/// hash of its name, the offset, and the epoch with its length. Each cursor has exactly one text.
public struct EventCursor: Equatable, Sendable {
    /// The longest text that a client may send.
    public static let maxTextBytes = 6144
    /// The most channels in a cursor.
    public static let maxChannels = 64

    private static let version: UInt8 = 1

    private struct Entry: Equatable {
        let channel: UInt64
        var position: StreamPosition
    }

    private var entries: [Entry] = []

    /// A cursor that knows no channel.
    public init() {}

    /// Reads a client's text; nil if it is no cursor.
    public init?(_ text: String) {
        guard text.utf8.count <= EventCursor.maxTextBytes, let bytes = Base64URL.decode(Array(text.utf8).rawSpan),
            bytes.first == EventCursor.version
        else { return nil }
        var reader = CursorReader(bytes.dropFirst())
        while !reader.isAtEnd {
            guard entries.count < EventCursor.maxChannels, let entry = EventCursor.entry(&reader),
                entries.allSatisfy({ $0.channel != entry.channel })
            else { return nil }
            entries.append(entry)
        }
    }

    /// The place of the last message that the client has got of a channel; nil if the cursor does not know the channel.
    ///
    /// A cursor with the most channels takes no further one.
    public subscript(channel: String) -> StreamPosition? {
        get {
            let hash = EventCursor.hash(channel)
            return entries.first { $0.channel == hash }?.position
        }
        set {
            let hash = EventCursor.hash(channel)
            let index = entries.firstIndex { $0.channel == hash }
            guard let position = newValue, position.epoch.utf8.count <= StreamPosition.maxEpochBytes else {
                return entries.removeAll { $0.channel == hash }
            }
            if let index {
                entries[index].position = position
            } else if entries.count < EventCursor.maxChannels {
                entries.append(Entry(channel: hash, position: position))
            }
        }
    }

    /// The number of channels.
    public var count: Int { entries.count }

    /// The text for the client.
    public var text: String {
        var bytes = [EventCursor.version]
        bytes.reserveCapacity(1 + 32 * entries.count)
        for entry in entries {
            for shift in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: entry.channel >> UInt64(shift)))
            }
            CursorReader.append(entry.position.offset, to: &bytes)
            bytes.append(UInt8(entry.position.epoch.utf8.count))
            bytes.append(contentsOf: entry.position.epoch.utf8)
        }
        return Base64URL.encode(bytes.rawSpan)
    }

    private static func entry(_ reader: inout CursorReader) -> Entry? {
        guard let channel = reader.fixed(bytes: 8), let offset = reader.number(), let count = reader.fixed(bytes: 1),
            count <= StreamPosition.maxEpochBytes, let epoch = reader.text(bytes: Int(count))
        else { return nil }
        return Entry(channel: channel, position: StreamPosition(epoch: epoch, offset: offset))
    }

    /// The FNV-1a hash of a name, the same on all nodes.
    private static func hash(_ name: String) -> UInt64 {
        name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}

/// Takes a cursor's bytes apart.
private struct CursorReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func fixed(bytes count: Int) -> UInt64? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func text(bytes count: Int) -> String? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count)).rawSpan.text
    }

    /// Seven bits in each byte, the lowest first; the last byte has no eighth bit, and is not zero behind others.
    mutating func number() -> UInt64? {
        var (value, shift): (UInt64, UInt64) = (0, 0)
        while let byte = rest.popFirst() {
            let bits = UInt64(byte & 0x7F)
            guard shift < 63 || shift == 63 && bits <= 1 else { return nil }
            value |= bits << shift
            if byte < 0x80 { return byte == 0 && shift > 0 ? nil : value }
            shift += 7
        }
        return nil
    }

    static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
