public import HTTP

/// Decides on a request's head alone whether the request is allowed, and what clients may do with channels.
///
/// It never changes. It is a class because a copy of all its lists would be made for each request.
public final class AccessRules: Sendable {
    /// The purpose of a request.
    public enum Purpose: Sendable {
        /// Reading a page or the server's health.
        case read
        /// Opening a WebSocket.
        case connect
        /// Publishing.
        case publish
        /// Using endpoints that are for admins only.
        case administer
    }

    /// The rules for channels.
    public let channels: ChannelRules
    private let hosts: HostPolicy
    private let origins: OriginPolicy
    private let publishKeys: AccessKeys
    private let apiKeys: AccessKeys
    private let hasAdminAddress: Bool

    /// Makes the rules.
    ///
    /// - Parameters:
    /// - allowedHosts: names that are accepted over loopback; addresses, `localhost` and the origins' hosts always are.
    /// - allowedOrigins: origins whose pages are allowed, besides this server's own.
    /// - publishKeys: if there are any, publishing needs one of them.
    /// - apiKeys: if there are any, admin endpoints need one of them.
    /// - channels: the rules for channels.
    /// - hasAdminAddress: whether there are admin addresses; the admin endpoints are then found only there.
    public init(
        allowedHosts: [HostPattern] = [], allowedOrigins: [OriginPattern] = [], publishKeys: [String] = [],
        apiKeys: [String] = [], channels: ChannelRules = ChannelRules(), hasAdminAddress: Bool = false
    ) {
        hosts = HostPolicy(allowedHosts + allowedOrigins.compactMap(\.host))
        origins = OriginPolicy(allowedOrigins)
        self.publishKeys = AccessKeys(publishKeys)
        self.apiKeys = AccessKeys(apiKeys)
        self.channels = channels
        self.hasAdminAddress = hasAdminAddress
    }

    /// Why a request is refused; nil if it is allowed.
    public func denial(of head: RequestHead, from peer: Peer, for purpose: Purpose) -> Denial? {
        if peer.contains(.loopback), !hosts.admits(head) { return .host }
        guard purpose != .read else { return nil }
        guard origins.admits(head, from: peer) else { return .origin }
        switch purpose {
        case .read, .connect: return nil
        case .publish: return publishDenial(of: head, from: peer)
        case .administer: return adminDenial(of: head, from: peer)
        }
    }

    /// The value of `Access-Control-Allow-Origin` for the response; nil for none.
    public func sharedOrigin(of head: RequestHead) -> String? {
        origins.sharedOrigin(of: head)
    }

    /// Whether the admin endpoints are served on the address that the request came to.
    public func servesAdmin(on peer: Peer) -> Bool {
        peer.contains(.admin) || !hasAdminAddress
    }

    /// A configured key is required from everywhere; without one only this machine may publish.
    private func publishDenial(of head: RequestHead, from peer: Peer) -> Denial? {
        guard !publishKeys.isEmpty else { return isThisMachine(head, peer) ? nil : .publishingIsLocal }
        switch publishKeys.verdict(on: head) {
        case .right: return nil
        case .wrong: return .publishKeyWrong
        case .missing: return .publishKeyMissing
        }
    }

    /// Without a key the admin address serves all programs that reach it, and pages of the same origin.
    ///
    /// `--allow-origin` has no effect here: it is about who may receive messages.
    private func adminDenial(of head: RequestHead, from peer: Peer) -> Denial? {
        guard !apiKeys.isEmpty else {
            guard origins.isProgramOrOwnPage(head, from: peer) else { return .origin }
            return peer.contains(.admin) || isThisMachine(head, peer) ? nil : .administeringIsLocal
        }
        switch apiKeys.verdictOnAPIKey(on: head) {
        case .right: return nil
        case .wrong: return .apiKeyWrong
        case .missing: return .apiKeyMissing
        }
    }

    private func isThisMachine(_ head: RequestHead, _ peer: Peer) -> Bool {
        peer.isLocal && !head.isForwarded
    }
}
