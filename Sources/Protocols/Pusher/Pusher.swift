internal import Channels

/// Pusher's protocol 7 (docs/pusher.md), also for clients of its versions 5 and 6.
struct Pusher: ClientProtocol {
    let subprotocol: String? = nil
    let name = "pusher"
    let encoder: (any MessageEncoder)? = PusherEncoder()

    /// Each connection has a `PusherSession`.
    func session() -> (any ClientSession)? { nil }

    func hasProved(itsRightTo channel: String) -> Bool { PusherChannel.isProved(channel) }

    /// Its clients take any code from 4300 on for final, and come back at once after one of 4200 to 4299, and after a
    /// second for one of 4100 to 4199.
    func farewell(_ code: UInt16, _ reason: String) -> Farewell {
        let code: UInt16 =
            switch code {
            case 1001, 1012: 4200
            case 1013, 4429: 4100
            case 4401: 4009
            default: code
            }
        return Farewell(code: code, text: code < 4000 ? nil : PusherText.error(Int(code), reason))
    }
}
