internal import Channels

/// `pushd.v1`: messages come with the name of their channel (docs/protocol.md).
struct PushdV1: ClientProtocol {
    let subprotocol: String? = "pushd.v1"
    let encoder: (any MessageEncoder)? = EnvelopeEncoder()

    func session() -> (any ClientSession)? { CommandSession(hasEvents: true) }
}
