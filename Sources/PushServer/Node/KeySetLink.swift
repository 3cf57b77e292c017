internal import Hooks
internal import Logging
internal import Tokens
internal import WSLoop

/// The node's connection to the provider of keys for tokens (`--token-jwks`): fetches the keys, and puts them to use.
///
/// `KeySetSchedule` decides when. What a token says has no influence on what is fetched, and little on when.
final class KeySetLink {
    private static let timeLimit = Duration.seconds(5)
    /// A set of as many keys as are allowed is smaller.
    private static let maxBytes = 131_072

    private let context: LoopContext
    private let state: ServerState
    /// Nil if there is nothing to fetch.
    private var url: String?
    private var fetcher: HTTPFetcher?
    private var transfer: HTTPTransfer?
    private var schedule = KeySetSchedule()
    private var status = KeySetStatus()
    /// The document that the keys in use are from.
    private var document: [UInt8] = []
    /// The keys in use are those of another URL, before a reload.
    private var hasOldKeys = false
    /// The workers with clients that wait for the end of the fetch under way.
    private var waitingWorkers: Set<Int> = []

    init(_ context: LoopContext) {
        self.context = context
        state = context.state
    }

    /// Fetches from the URL that the settings of now name.
    ///
    /// The keys of another URL are used until those of the new one are there.
    func update(_ fetcher: HTTPFetcher) {
        let new = state.configuration.tokens?.keySetURL
        guard new != url else { return }
        transfer?.cancel()
        self.fetcher = fetcher
        url = new
        document = []
        hasOldKeys = url != nil && schedule.keys != nil
        schedule = KeySetSchedule(replacing: url == nil ? nil : schedule.keys)
        guard url != nil else {
            status = KeySetStatus()
            state.keySetStatus = nil
            return settle()
        }
        (status.state, status.problem) = (schedule.state, nil)
        state.keySetStatus = status
        tick()
    }

    func close() { (fetcher, url) = (nil, nil) }

    /// Fetches if it is time to.
    func tick() {
        if url != nil, schedule.beginIfDue(at: now) { fetch() }
    }

    /// A worker has clients with tokens that may be signed with keys that are not known yet.
    ///
    /// It gets `keysSettled` when the fetch under way has ended, or at once if none is.
    func want(_ worker: Int) {
        if url != nil, schedule.beginForUnknownKey(at: now) { fetch() }
        if schedule.isFetching {
            waitingWorkers.insert(worker)
        } else {
            context.post(.keysSettled, to: worker)
        }
    }

    private var now: Double { Double(context.loop.nowMilliseconds) / 1000 }

    private func fetch() {
        guard let url else { return }
        let fetch = HTTPFetch(
            .get, url, headers: [(name: "Accept", value: "application/json")],
            limits: HTTPFetch.Limits(
                time: KeySetLink.timeLimit, connectTime: KeySetLink.timeLimit, responseBytes: KeySetLink.maxBytes))
        transfer = fetcher?.send(fetch) { [unowned self] in received($0) }
    }

    private func received(_ result: Result<HTTPFetched, FetchFailure>) {
        transfer = nil
        do throws(KeySetFailure) {
            let fetched = try HTTPFetched.ok(result)
            try take(fetched)
            noteSuccess()
        } catch {
            schedule.failed(at: now)
            noteFailure(error)
        }
        status.state = schedule.state
        state.keySetStatus = status
        settle()
    }

    private func settle() {
        for worker in waitingWorkers { context.post(.keysSettled, to: worker) }
        waitingWorkers = []
    }

    /// Puts the keys to use; the same ones again do not cost the cache of verified tokens.
    private func take(_ fetched: HTTPFetched) throws(KeySetFailure) {
        let cacheControl = fetched.header("cache-control")
        if let keys = schedule.keys, fetched.body == document {
            return schedule.succeeded(keys, cacheControl: cacheControl, at: now)
        }
        do throws(TokenKeyViolation) {
            let keys = try TokenKeys(jwks: fetched.body, isPublic: true)
            _ = try state.configuration.tokens?.keys.adding(keys)
            takeKeys(keys)
            schedule.succeeded(keys, cacheControl: cacheControl, at: now)
            document = fetched.body
            status.keys = keys.keys.count
            state.logger.notice("token keys fetched", metadata: ["keys": "\(keys.keys.count)"])
        } catch {
            throw .unusable(error)
        }
    }

    /// All loops verify with them, from before they are told that keys are settled.
    private func takeKeys(_ keys: TokenKeys) {
        let settings = LiveSettings(
            state.configuration, possibleClients: state.places.possibleClients, after: state.settings,
            fetched: keys)
        state.take(settings)
        for index in state.inboxes.indices { context.post(.keys(settings), to: index) }
        guard hasOldKeys else { return }
        hasOldKeys = false
        context.tellNode(.keysReplaced)
    }

    private func noteSuccess() {
        status.fetches += 1
        status.fetchedMilliseconds = context.loop.nowMilliseconds
        if status.problem != nil { state.logger.notice("token keys provider up") }
        status.problem = nil
    }

    private func noteFailure(_ failure: KeySetFailure) {
        if status.problem == nil {
            state.logger.warning(
                "token keys provider down", metadata: ["reason": "\(failure)", "keys": "\(status.keys) in use"])
        }
        status.failures += 1
        status.problem = failure
    }
}

@available(*, unavailable)
extension KeySetLink: Sendable {}
