internal import Access
internal import Channels
internal import Hooks

extension Identity? {
    /// The identity with what the backend's answer adds to it; nil if neither says anything.
    ///
    /// - Parameter asked: when the backend was asked, in seconds of Unix time: a later revocation also counts for a
    ///   client without a token whose answer is still on its way.
    func adding(_ answer: HookAnswer, asked: Int) -> Identity? {
        let says = answer.user != nil || answer.info != nil || !answer.channels.isEmpty || answer.grants != Grants()
        guard says || answer.expirySeconds != nil else { return self }
        let ends = [self?.expiresAt, answer.expirySeconds.map { asked + $0 }].compactMap(\.self)
        return Identity(
            user: answer.user ?? self?.user ?? Users.anonymous,
            isNamed: answer.user != nil || self?.isNamed == true,
            info: answer.info ?? self?.info,
            grants: (self?.grants ?? Grants()).adding(answer.grants),
            channels: (self?.channels ?? []) + answer.channels,
            expiresAt: ends.min(), issuedAt: self == nil ? asked : self?.issuedAt, mark: self?.mark,
            tokenKey: self?.tokenKey)
    }
}

extension Grants {
    fileprivate func adding(_ other: Grants) -> Grants {
        Grants(
            subscribe: subscribe + other.subscribe, publish: publish + other.publish,
            presence: presence + other.presence, history: history + other.history)
    }
}
