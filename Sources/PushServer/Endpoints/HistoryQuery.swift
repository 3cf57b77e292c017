internal import Access
internal import Bytes
internal import Channels
internal import HTTP

/// `recover=EPOCH:OFFSET`, in the order of the channels, and `history=N` in the URL of a WebSocket.
enum HistoryQuery {
    /// What the client wants of the histories of the channels that the query names.
    static func requests(
        of head: RequestHead, _ rules: ChannelRules
    ) throws(UpgradeRefusal) -> [ByteName: HistoryRequest] {
        guard rules.keepHistories else { return [:] }
        do throws(BadRequest) {
            return try requests(of: head)
        } catch {
            throw .badRequest(error.reason)
        }
    }

    private static func requests(of head: RequestHead) throws(BadRequest) -> [ByteName: HistoryRequest] {
        let channels = try head.parameters("channel")
        let places = try head.parameters("recover")
        let last = try head.messageCount("history")
        guard places.count <= channels.count else {
            throw BadRequest("\(places.count) values of recover=, but \(channels.count) of channel=")
        }
        var requests: [ByteName: HistoryRequest] = [:]
        for (number, channel) in channels.enumerated() {
            let text = number < places.count ? places[number] : ""
            let place = StreamPosition(text)
            guard place != nil || text.isEmpty else { throw BadRequest("recover= is EPOCH:OFFSET, or empty") }
            guard place != nil || last != nil else { continue }
            requests[ByteName(channel)] = HistoryRequest(recover: place, last: last ?? 0)
        }
        return requests
    }
}

extension RequestHead {
    /// A parameter that is a number of messages of a history; nil if it is missing.
    func messageCount(_ name: StaticString) throws(BadRequest) -> Int? {
        guard let text = try parameter(name) else { return nil }
        guard let count = Int(text), 0...HistoryLimits.counts.upperBound ~= count else {
            throw BadRequest("\(name)= is a number of messages, at most \(HistoryLimits.counts.upperBound)")
        }
        return count
    }
}
