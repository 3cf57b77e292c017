public import Access
internal import Bytes

/// How a batch of events is sent, so that the receiver can tell where it comes from.
public enum EventEnvelope: Equatable, Sendable {
    /// As it is, perhaps with a signature.
    case pushd(HookSigner?)
    /// As Pusher's libraries check it: with a time around it, and a signature of the whole body.
    case pusher(key: String, TextSigner)

    /// The body and the header fields of a batch that is sent now.
    ///
    /// - Parameter milliseconds: the time, since 1970.
    func sealed(
        _ batch: [UInt8], at milliseconds: Int
    ) -> (body: [UInt8], headers: [(name: String, value: String)]) {
        switch self {
        case .pushd(let signer):
            return (batch, signer.map { [$0.header(for: batch, at: milliseconds / 1000)] } ?? [])
        case .pusher(let key, let signer):
            var object = JSONObjectWriter()
            object.member("time_ms", milliseconds)
            object.member("events", raw: batch)
            let body = object.finish()
            return (body, [("X-Pusher-Key", key), ("X-Pusher-Signature", signer.signature(of: body))])
        }
    }
}
