internal import Bytes
public import WebSocket

extension BenchPlan {
    /// Throws if the URL or the subprotocol cannot be part of a WebSocket request.
    public func check() throws(ClientHandshake.InvalidRequest) {
        _ = try handshake(channel: channelName(0, run: RunID(0)))
    }

    /// Makes the request for a WebSocket on a channel, keeping the URL's own query.
    func handshake(channel: String) throws(ClientHandshake.InvalidRequest) -> ClientHandshake {
        let separator = url.target.contains("?") ? "&" : "?"
        return try ClientHandshake(
            host: url.authority, target: "\(url.target)\(separator)channel=\(PercentEncoding.encode(channel))",
            subprotocols: subprotocol.map { [$0] } ?? [])
    }

    /// The head of the requests that publish to a channel.
    func publishHead(channel: String, key: String?) -> [UInt8] {
        var lines = [
            "POST \(publishPath)?channel=\(PercentEncoding.encode(channel)) HTTP/1.1", "Host: \(url.authority)",
            "Content-Length: \(messageBytes)",
        ]
        if let key { lines.append("Authorization: Bearer \(key)") }
        return Array((lines + ["", ""]).joined(separator: "\r\n").utf8)
    }

    /// The publish path next to the WebSocket path: `/ws` and `/publish`, `/push/ws` and `/push/publish`.
    private var publishPath: String {
        let path = url.target.prefix { $0 != "?" && $0 != "#" }
        let directory = path.lastIndex(of: "/").map { path[...$0] } ?? "/"
        return "\(directory)publish"
    }
}
