internal import Broker
internal import Bytes

// What arrives by Pub/Sub.
extension RedisStreams {
    /// Takes a message in an envelope, which came on a Redis channel with this name.
    func take(_ envelope: StreamEnvelope, _ message: RawSpan, of channel: String, named name: RawSpan) {
        guard let bridge else { return }
        let payload = message.extracting(envelope.payloadStart...)
        guard payload.byteCount <= bridge.maxPayloadBytes else { return bridge.notify { $0.brokerLeftOutMessage() } }
        // What comes by an alias has the numbers of another stream.
        let isOwn = ByteName(bridge.channels.publishTarget(for: channel)).hasBytes(name)
        let hasNumber = envelope.kind != .plain && isOwn && limits(of: channel) != nil
        guard envelope.kind != .cleared else {
            if hasNumber { cleared(envelope, on: channel) }
            return
        }
        var bytes: [UInt8] = []
        bytes.append(payload)
        guard hasNumber else {
            let publication = Publication(
                channel: channel, payload: bytes, key: envelope.key, excluded: envelope.attributes.excluded)
            return bridge.notify { $0.brokerReceived(publication) }
        }
        let entry = StreamEntry(
            offset: envelope.offset, timeMicroseconds: envelope.timeMicroseconds, key: envelope.key, payload: bytes,
            attributes: envelope.attributes)
        received(entry, epoch: envelope.epoch, on: channel)
    }

    private func received(_ entry: StreamEntry, epoch: UInt64, on channel: String) {
        let name = ByteName(channel)
        if followers[name] == nil, keeps(channel) {
            // A reload has given the channel a history.
            followers[name] = StreamFollower()
            followers[name]?.subscribed()
        }
        guard followers[name]?.hasBegun == true else {
            // Only a pattern brings the channel's messages.
            return deliver(entry, epoch, channel, ageMilliseconds: 0, .passing)
        }
        if followers[name]?.received(entry, epoch: epoch) == true {
            deliver(entry, epoch, channel, ageMilliseconds: 0, .live)
        } else if followers[name]?.needsRead == true {
            queue(name)
        }
    }

    /// The messages of a channel's history were dropped.
    private func cleared(_ envelope: StreamEnvelope, on channel: String) {
        let name = ByteName(channel)
        guard followers[name] != nil else { return }
        followers[name]?.cleared(epoch: envelope.epoch, offset: envelope.offset)
        if followers[name]?.needsRead == true { queue(name) }
        bridge?.notify { $0.brokerCleared(channel) }
    }
}
