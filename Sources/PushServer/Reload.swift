/// A configuration that was read again while the server runs.
public struct Reload: Sendable {
    /// Reads the configuration; called on a thread of its own, and may block.
    public typealias Source = @Sendable () -> Result<Reload, ReloadFailure>

    /// The configuration; what needs a restart stays as it is whatever this says (`ServerConfiguration.keep`).
    public var configuration: ServerConfiguration
    /// The options that have other values than at the start and need a restart.
    public var restartOptions: [String]
    /// Called on a loop when the configuration has been taken.
    public var taken: @Sendable () -> Void

    /// Makes one.
    public init(
        _ configuration: ServerConfiguration, restartOptions: [String] = [],
        taken: @escaping @Sendable () -> Void = {}
    ) {
        (self.configuration, self.restartOptions, self.taken) = (configuration, restartOptions, taken)
    }
}

/// Why a configuration cannot be used.
public struct ReloadFailure: Error, Sendable, CustomStringConvertible {
    /// The reason, with its place in a file.
    public let description: String

    /// Makes one.
    public init(_ description: String) {
        self.description = description
    }
}

extension ServerConfiguration {
    /// Keeps what a running server cannot change.
    ///
    /// - Parameters:
    ///   - running: the configuration of the start.
    ///   - latest: the one that is replaced.
    mutating func keep(_ running: ServerConfiguration, _ latest: ServerConfiguration) {
        listen = running.listen
        admin = running.admin
        broker = running.broker
        workers = running.workers
        io = running.io
        maxPublishBytes = running.maxPublishBytes
        historyBudgetBytes = running.historyBudgetBytes
        maxDeflateContexts = running.maxDeflateContexts
        keepEvents(latest)
        pages = running.pages
        posts = running.posts
        endpoint = running.endpoint
        droppedLogLines = running.droppedLogLines
        // The addresses that are there with TLS stay so.
        certificates = certificates ?? latest.certificates
    }

    /// Loops count subscriptions for events since the start, or not at all.
    private mutating func keepEvents(_ latest: ServerConfiguration) {
        if (hooks.eventsURL == nil) != (latest.hooks.eventsURL == nil) { hooks.eventsURL = latest.hooks.eventsURL }
        hooks.eventKinds = latest.hooks.eventKinds
    }
}
