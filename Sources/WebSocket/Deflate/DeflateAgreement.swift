internal import HTTP

/// permessage-deflate as both ends agreed on it (RFC 7692 section 7.1).
public struct DeflateAgreement: Equatable, Sendable {
    /// What a server grants to clients that offer compression.
    public enum Policy: Sendable {
        /// Nothing: connections are not compressed.
        case off
        /// Each message is compressed on its own, in both directions.
        case withoutContext
        /// The same, but the client may refer back to its earlier messages, unless it declines to.
        case withClientContext
    }

    /// The window to compress with for the client.
    ///
    /// Nil if the client allows only a window that zlib cannot compress with. All messages then go out uncompressed,
    /// which the protocol allows.
    public let window: DeflateWindow?
    /// Whether the client may refer back to its earlier messages.
    public let keepsClientContext: Bool
    private let isWindowLimited: Bool

    /// Chooses the first valid offer that lets this end compress, or else the first valid offer.
    ///
    /// An offer with an unknown, repeated or malformed parameter is declined (section 7).
    static func best(of offers: [ExtensionOffer], _ policy: Policy) -> DeflateAgreement? {
        guard policy != .off else { return nil }
        let possible = offers.compactMap { DeflateAgreement($0, policy) }
        return possible.first { $0.window != nil } ?? possible.first
    }

    private init?(_ offer: ExtensionOffer, _ policy: Policy) {
        guard offer.name == "permessage-deflate",
            Set(offer.parameters.map(\.name)).count == offer.parameters.count
        else { return nil }
        var maxWindowBits: UInt8?
        var keepsClientContext = policy == .withClientContext
        for parameter in offer.parameters {
            switch (parameter.name, parameter.value) {
            case ("server_no_context_takeover", nil), ("client_max_window_bits", nil): break
            case ("client_no_context_takeover", nil): keepsClientContext = false
            // The client's own window does not matter: the decompressor reads every size.
            case ("client_max_window_bits", let value?):
                guard DeflateAgreement.windowBits(value) != nil else { return nil }
            case ("server_max_window_bits", let value?):
                guard let bits = DeflateAgreement.windowBits(value) else { return nil }
                maxWindowBits = bits
            default: return nil
            }
        }
        window = DeflateWindow.largest(within: maxWindowBits ?? 15)
        isWindowLimited = maxWindowBits != nil
        self.keepsClientContext = keepsClientContext
    }

    /// 8 to 15 in decimal without leading zeros (section 7.1.2).
    private static func windowBits(_ value: String) -> UInt8? {
        guard let bits = UInt8(value), (8...15).contains(bits), String(bits) == value else { return nil }
        return bits
    }

    /// The value of the response's Sec-WebSocket-Extensions.
    ///
    /// A server may forbid both contexts without being asked (sections 7.1.1.1 and 7.1.1.2).
    var headerValue: String {
        var value = "permessage-deflate; server_no_context_takeover"
        if !keepsClientContext { value += "; client_no_context_takeover" }
        if isWindowLimited { value += "; server_max_window_bits=\(window?.rawValue ?? 8)" }
        return value
    }
}
