internal import Hooks
internal import Logging
internal import WSLoop

/// Reads the configuration again when the process is told to, and gives it to all loops: all of it, or nothing.
///
/// Reading blocks, so a thread does it. One that comes to no end does not keep the server from stopping.
final class Reloading {
    private let context: LoopContext
    private let state: ServerState
    private let links: HTTPLinks
    private let source: Reload.Source?
    private let started: ServerConfiguration
    private var isBusy = false
    /// Another signal has come meanwhile: files may have changed after they were read.
    private var isWanted = false
    /// Keys of tokens were replaced meanwhile.
    private var isReviewWanted = false
    /// What the loops are taking; without a reload they only look at their connections again.
    private var pending: (reload: Reload?, workers: Int, counts: ReviewCounts)?

    init(_ context: LoopContext, _ links: HTTPLinks, _ source: Reload.Source?) {
        self.context = context
        self.links = links
        state = context.state
        self.source = source
        started = context.settings.configuration
    }

    /// Begins to read the configuration, or only the certificates if nothing else can be read.
    func begin() {
        guard let source else { state.configuration.certificates?.reload(logger: state.logger); return }
        guard !isBusy else { isWanted = true; return }
        isBusy = true
        do throws(SystemError) {
            let inbox = state.inboxes[NodeMessage.worker]
            try LoopThread(named: "pushd-reload") { inbox.post(.node(.reloaded(Reloading.read(source)))) }.detach()
        } catch {
            take(.failure(ReloadFailure("\(error)")))
        }
    }

    /// Reads it; what may be missing or fail on this machine is tried first, as at the start.
    private static func read(_ source: Reload.Source) -> Result<Reload, ReloadFailure> {
        source().flatMap { reload in
            if reload.configuration.fetches, let problem = HTTPFetcher.problem {
                return .failure(ReloadFailure("libcurl: \(problem)"))
            }
            guard reload.configuration.certificates?.records == .compact else { return .success(reload) }
            do throws(TLSFailure) {
                try TLSRecordCheck.run()
                return .success(reload)
            } catch {
                return .failure(ReloadFailure("check of --tls-records compact: \(error)"))
            }
        }
    }

    /// The configuration was read.
    func take(_ result: Result<Reload, ReloadFailure>) {
        switch result {
        case .success(let reload): take(reload)
        case .failure(let failure): refuse(failure)
        }
    }

    private func refuse(_ failure: ReloadFailure) {
        state.logger.warning("configuration not reloaded, the old one stays", metadata: ["error": "\(failure)"])
        end()
    }

    private func end() {
        isBusy = false
        if isReviewWanted {
            isReviewWanted = false
            reviewKeys()
        } else if isWanted {
            isWanted = false
            begin()
        }
    }

    private func take(_ reload: Reload) {
        let old = state.settings
        var configuration = reload.configuration
        configuration.keep(started, old.configuration)
        do throws(SystemError) {
            try links.prepare(configuration)
        } catch {
            return refuse(ReloadFailure("\(error)"))
        }
        let settings = LiveSettings(
            configuration, possibleClients: state.places.possibleClients, after: old)
        state.take(settings)
        links.update()
        reload.taken()
        give(settings, reload)
    }

    /// The keys of another URL have replaced those of before: clients whose key is gone are closed.
    func reviewKeys() {
        guard !isBusy else { isReviewWanted = true; return }
        isBusy = true
        give(state.settings, nil)
    }

    private func give(_ settings: LiveSettings, _ reload: Reload?) {
        pending = (reload, state.workers, ReviewCounts())
        for index in state.inboxes.indices { context.post(.settings(settings), to: index) }
    }

    /// A worker goes by the settings, and has looked at its connections; when all have, the log says so.
    func reviewed(_ counts: ReviewCounts) {
        pending?.counts.add(counts)
        pending?.workers -= 1
        guard let pending, pending.workers == 0 else { return }
        self.pending = nil
        var metadata: Logger.Metadata = [
            "unsubscribed": "\(pending.counts.unsubscribed)", "closed": "\(pending.counts.closed)",
        ]
        if let reload = pending.reload {
            if !reload.restartOptions.isEmpty {
                metadata["needs_restart"] = "\(reload.restartOptions.joined(separator: ", "))"
            }
            state.logger.notice("configuration reloaded", metadata: metadata)
        } else {
            state.logger.notice("token keys replaced", metadata: metadata)
        }
        end()
    }
}
