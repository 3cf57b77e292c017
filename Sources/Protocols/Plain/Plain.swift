public import Channels

/// The protocol of clients that offer none: they get the published bytes, one message a frame.
public struct Plain: ClientProtocol {
    public let subprotocol: String? = nil
    public let encoder: (any MessageEncoder)? = nil
}
