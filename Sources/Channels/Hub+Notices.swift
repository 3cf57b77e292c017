extension Hub {
    /// Queues notices about a channel for some connections, written once for those with the same form.
    ///
    /// They count towards each connection's limit, as messages do.
    public func send(_ notices: [DeliveryNotice], of channel: String, to slots: some Sequence<UInt32>) {
        var batches: [(form: WireForm, batch: Batch)] = []
        for slot in slots {
            let form = subscribers[slot].form
            if let known = batches.first(where: { $0.form == form }) {
                subscribers.queue(known.batch, 0..<known.batch.byteCount, for: slot)
            } else {
                let batch = subscribers.batch(of: notices, in: channel, form)
                batches.append((form, batch))
                subscribers.queue(batch, 0..<batch.byteCount, for: slot)
            }
        }
    }
}

extension Subscribers {
    fileprivate mutating func batch(of notices: [DeliveryNotice], in channel: String, _ form: WireForm) -> Batch {
        let batch = pool.batch(.messages)
        for notice in notices {
            guard let text = writer.text(of: notice, in: channel, form) else { continue }
            batch.appendFrame { writer.append(text: text, form, to: &$0) }
        }
        return batch
    }
}
