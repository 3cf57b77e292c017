internal import Logging
internal import WSLoop

/// Reads the configuration again when the process is told to, and gives it to all loops: all of it, or nothing.
///
/// Reading blocks, so a thread does it. One that comes to no end does not keep the server from stopping.
final class Reloading {
    private let context: LoopContext
    private let state: ServerState
    private let source: Reload.Source?
    private let started: ServerConfiguration
    private var isBusy = false
    /// Another signal has come meanwhile: files may have changed after they were read.
    private var isWanted = false
    /// What the loops are taking.
    private var pending: (reload: Reload, workers: Int, counts: ReviewCounts)?

    init(_ context: LoopContext, _ source: Reload.Source?) {
        self.context = context
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

    /// Reads it; records that are to be handled by this process are tried first, as at the start.
    private static func read(_ source: Reload.Source) -> Result<Reload, ReloadFailure> {
        source().flatMap { reload in
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
        case .failure(let failure):
            state.logger.warning(
                "configuration not reloaded, the old one stays", metadata: ["error": "\(failure)"])
            end()
        }
    }

    private func end() {
        isBusy = false
        guard isWanted else { return }
        isWanted = false
        begin()
    }

    private func take(_ reload: Reload) {
        let old = state.settings
        var configuration = reload.configuration
        configuration.keep(started, old.configuration)
        let settings = LiveSettings(
            configuration, possibleClients: state.places.possibleClients, after: old)
        state.take(settings)
        reload.taken()
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
        if !pending.reload.restartOptions.isEmpty {
            metadata["needs_restart"] = "\(pending.reload.restartOptions.joined(separator: ", "))"
        }
        state.logger.notice("configuration reloaded", metadata: metadata)
        end()
    }
}
