public import HTTP

/// Who may ask for what, decided on a request's head alone.
public struct AccessRules: Sendable {
    /// What a request is for.
    public enum Purpose: Sendable {
        /// A page, or how the server is.
        case read
        /// A WebSocket.
        case connect
        /// Publishing.
        case publish
        /// What only an admin may see and do.
        case administer
    }

    private let hosts: HostPolicy
    private let origins: OriginPolicy
    private let publishKeys: AccessKeys
    private let apiKeys: AccessKeys
    private let hasAdminAddress: Bool

    /// Makes the rules.
    ///
    /// - Parameters:
    ///   - allowedHosts: names that are taken over loopback; addresses, `localhost` and the origins' hosts always are.
    ///   - allowedOrigins: pages that may come, besides those of this server.
    ///   - publishKeys: one of them is needed for publishing, if there are any.
    ///   - apiKeys: one of them is needed for what only an admin may, if there are any.
    ///   - hasAdminAddress: whether there are addresses where that is asked for, so that it is found on no other.
    public init(
        allowedHosts: [HostPattern] = [], allowedOrigins: [OriginPattern] = [], publishKeys: [String] = [],
        apiKeys: [String] = [], hasAdminAddress: Bool = false
    ) {
        hosts = HostPolicy(allowedHosts + allowedOrigins.compactMap(\.host))
        origins = OriginPolicy(allowedOrigins)
        self.publishKeys = AccessKeys(publishKeys)
        self.apiKeys = AccessKeys(apiKeys)
        self.hasAdminAddress = hasAdminAddress
    }

    /// Why a request is refused; nil if it is not.
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

    /// The value of `Access-Control-Allow-Origin` in the answer; nil if it has none.
    public func sharedOrigin(of head: RequestHead) -> String? {
        origins.sharedOrigin(of: head)
    }

    /// Whether what only an admin may ask for is found on the address that a request came to.
    public func servesAdmin(on peer: Peer) -> Bool {
        peer.contains(.admin) || !hasAdminAddress
    }

    /// A key that is configured is asked for everywhere; without one only this machine may publish.
    private func publishDenial(of head: RequestHead, from peer: Peer) -> Denial? {
        guard !publishKeys.isEmpty else { return isThisMachine(head, peer) ? nil : .publishingIsLocal }
        switch publishKeys.verdict(on: head) {
        case .right: return nil
        case .wrong: return .publishKeyWrong
        case .missing: return .publishKeyMissing
        }
    }

    /// Without a key the admin address is for programs that reach it, and for pages of the same origin.
    ///
    /// `--allow-origin` opens nothing here: it is about who may get messages.
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
