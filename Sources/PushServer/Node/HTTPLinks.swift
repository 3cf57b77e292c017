internal import Hooks
internal import WSLoop

/// The node's connections to HTTP servers, and what fetches for all of them.
final class HTTPLinks {
    let backend: BackendLink
    let keySet: KeySetLink
    let events: EventLink
    private let context: LoopContext
    /// Nil as long as no configuration has had an URL.
    private var fetcher: HTTPFetcher?

    init(_ context: LoopContext, _ broker: BrokerLink) {
        self.context = context
        backend = BackendLink(context)
        keySet = KeySetLink(context)
        events = EventLink(context, broker)
    }

    /// Makes what the configuration needs, before it is taken.
    func prepare(_ configuration: ServerConfiguration) throws(SystemError) {
        guard fetcher == nil, configuration.fetches else { return }
        fetcher = try HTTPFetcher(on: context.loop, userAgent: "pushd/\(Server.version)")
    }

    /// Goes by the settings of now, at the start and after a reload.
    func update() {
        guard let fetcher else { return }
        fetcher.authoritiesFile = context.state.configuration.hooks.authoritiesFile
        backend.update(fetcher)
        keySet.update(fetcher)
        events.update(fetcher)
    }

    func tick() {
        backend.tick()
        keySet.tick()
        events.tick()
    }

    func close() {
        backend.close()
        keySet.close()
        events.close()
        fetcher?.close()
    }
}

@available(*, unavailable)
extension HTTPLinks: Sendable {}
