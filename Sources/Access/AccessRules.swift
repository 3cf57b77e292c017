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
    }

    private let hosts: HostPolicy
    private let origins: OriginPolicy
    private let publishKeys: AccessKeys

    /// Makes the rules.
    ///
    /// - Parameters:
    ///   - allowedHosts: names that are taken over loopback, besides addresses, `localhost` and the hosts of the origins.
    ///   - allowedOrigins: pages that may come, besides those of this server.
    ///   - publishKeys: one of them is needed for publishing, if there are any.
    public init(allowedHosts: [HostPattern] = [], allowedOrigins: [OriginPattern] = [], publishKeys: [String] = []) {
        hosts = HostPolicy(allowedHosts + allowedOrigins.compactMap(\.host))
        origins = OriginPolicy(allowedOrigins)
        self.publishKeys = AccessKeys(publishKeys)
    }

    /// Why a request is refused; nil if it is not.
    public func denial(of head: RequestHead, from peer: Peer, for purpose: Purpose) -> Denial? {
        if peer.contains(.loopback), !hosts.admits(head.host) { return .host }
        guard purpose != .read else { return nil }
        guard origins.admits(head, from: peer) else { return .origin }
        return purpose == .publish ? publishDenial(of: head, from: peer) : nil
    }

    /// A key that is configured is asked for everywhere; without one only this machine may publish.
    private func publishDenial(of head: RequestHead, from peer: Peer) -> Denial? {
        guard !publishKeys.isEmpty else { return peer.isLocal && !head.isForwarded ? nil : .publishingIsLocal }
        switch publishKeys.verdict(on: head) {
        case .right: return nil
        case .wrong: return .publishKeyWrong
        case .missing: return .publishKeyMissing
        }
    }
}
