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

/// Encodes text for use in a URL (RFC 3986 section 2.1).
enum PercentEncoding {
    /// Encodes all but unreserved characters (section 2.3).
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += byte < 16 ? "%0" : "%"
                encoded += String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
