import Bench
import Channels
import WebSocket

extension ValueSyntax where Value == WebSocketURL {
    /// The URL of the WebSockets.
    static var webSocketURL: ValueSyntax {
        ValueSyntax(
            "url", "ws://HOST[:PORT][/PATH], or wss:", remedy: { WebSocketURL.meant(by: $0).map { "write \($0)" } }
        ) { text in
            WebSocketURL(parsing: text).flatMap { $0.host.isEmpty || $0.target.contains("#") ? nil : $0 }
        }
    }
}

extension ValueSyntax where Value == String {
    /// The beginning of the channels' names.
    static var channelPrefix: ValueSyntax {
        ValueSyntax("text", "the beginning of a channel's name") { text in
            ChannelName.isValid("\(text)-\(RunID())-\(Int.max)") ? text : nil
        }
    }
}
