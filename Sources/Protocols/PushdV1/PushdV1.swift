public import Channels

/// `pushd.v1`: messages come with the name of their channel (docs/protocol.md).
public struct PushdV1: ClientProtocol {
    public let subprotocol: String? = "pushd.v1"
    public let encoder: (any MessageEncoder)? = EnvelopeEncoder()
}
