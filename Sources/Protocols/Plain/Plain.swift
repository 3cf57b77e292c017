internal import Channels

/// The protocol of clients that offer none: they get the published bytes, one message per frame.
///
/// Their commands are those of `pushd.v1`.
struct Plain: ClientProtocol {
    let subprotocol: String? = nil
    let encoder: (any MessageEncoder)? = nil

    func session() -> (any ClientSession)? { CommandSession(hasEvents: false) }
}
