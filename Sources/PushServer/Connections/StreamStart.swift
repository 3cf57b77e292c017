internal import Bytes
internal import Channels
internal import Protocols

/// How a client's event stream begins.
struct StreamStart {
    let channels: [String]
    /// What the client gets of channels' histories first, and where they are.
    let histories: [ByteName: HistoryReading]
    let wrapsMessages: Bool
    /// The channels whose histories the URL has asked for.
    let announced: Set<ByteName>

    /// The form of the events.
    var stream: EventStream {
        guard channels.count > 1 || hasWildcard else { return wrapsMessages ? .envelopes : .payloads }
        let count = histories.values.count { $0.position != nil }
        return 1...EventCursor.maxChannels ~= count ? .numbered : .joined
    }

    /// Whether messages come of channels that are not known in advance.
    var hasWildcard: Bool { channels.contains { $0.isWildcard } }

    /// Where the client is before the first message of each channel that keeps a history.
    var cursor: EventCursor {
        var cursor = EventCursor()
        for channel in channels {
            guard let reading = histories[ByteName(channel)], let position = reading.position else { continue }
            cursor[channel] = StreamPosition(
                epoch: position.epoch, offset: position.offset - UInt64(reading.messages.count))
        }
        return cursor
    }
}
