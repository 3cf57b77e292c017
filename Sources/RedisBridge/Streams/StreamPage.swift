internal import Broker
internal import Bytes

/// A message of a stream.
struct StreamEntry: Equatable {
    let offset: UInt64
    /// When Redis took it, in microseconds since 1970.
    let timeMicroseconds: UInt64
    let key: String?
    /// Nil if it is larger than the largest payload.
    let payload: [UInt8]?
    var attributes = MessageAttributes()
}

/// A part of a stream, read at one moment between two messages.
struct StreamPage: Equatable {
    let epoch: UInt64
    /// The offset of the last message ever.
    let lastOffset: UInt64
    /// Redis' time, in microseconds since 1970.
    let nowMicroseconds: UInt64
    /// Whether the part was cut because it is long.
    let isMore: Bool
    let entries: [StreamEntry]
    /// With the last part: what growing messages have so far.
    var texts: [GrowingText] = []
}

extension StreamPage {
    /// Reads the script's answer; nil if it is something else.
    init?(_ reply: RedisReply) {
        guard let epoch = reply.element(0)?.text.flatMap({ UInt64($0) }),
            let last = reply.element(1)?.text.flatMap({ UInt64($0) }),
            let now = reply.element(2)?.text.flatMap({ UInt64($0) }),
            let more = reply.element(3)?.text, let list = reply.element(4)
        else { return nil }
        var entries: [StreamEntry] = []
        entries.reserveCapacity(list.elementCount / StreamEntry.elementCount)
        for index in stride(from: 0, to: list.elementCount - StreamEntry.elementCount + 1, by: StreamEntry.elementCount)
        {
            guard let entry = StreamEntry(list, at: index) else { return nil }
            entries.append(entry)
        }
        self.init(
            epoch: epoch, lastOffset: last, nowMicroseconds: now, isMore: more == "1", entries: entries,
            texts: reply.element(5).map { StreamPage.texts($0, epoch) } ?? [])
    }

    /// Name, offset of the last piece and text of each growing message.
    private static func texts(_ list: RedisReply, _ epoch: UInt64) -> [GrowingText] {
        stride(from: 0, to: list.elementCount, by: 3).compactMap { index in
            guard let name = list.element(index)?.text,
                let offset = list.element(index + 1)?.text.flatMap({ UInt64($0) }),
                let payload = list.element(index + 2), !payload.isNil
            else { return nil }
            var bytes: [UInt8] = []
            payload.withBytes { bytes.append($0) }
            return GrowingText(of: name, payload: bytes, place: StreamPlace(epoch: String(epoch), offset: offset))
        }
    }
}

extension StreamEntry {
    /// Offset, time, key, payload and attributes.
    fileprivate static let elementCount = 5

    fileprivate init?(_ list: RedisReply, at index: Int) {
        guard let offset = list.element(index)?.text.flatMap({ UInt64($0) }),
            let time = list.element(index + 1)?.text.flatMap({ UInt64($0) }),
            let key = list.element(index + 2), let payload = list.element(index + 3),
            let attributes = list.element(index + 4)
        else { return nil }
        var bytes: [UInt8] = []
        payload.withBytes { bytes.append($0) }
        self.init(
            offset: offset, timeMicroseconds: time, key: key.text.flatMap { $0.isEmpty ? nil : $0 },
            payload: payload.isNil ? nil : bytes, attributes: MessageAttributes(parsing: attributes.text ?? ""))
    }
}
