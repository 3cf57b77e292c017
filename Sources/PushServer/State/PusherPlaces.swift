internal import Protocols
internal import Synchronization

/// How many connections each application of Pusher's clients has on this node; safe on any thread.
struct PusherPlaces: ~Copyable, Sendable {
    /// By the application's id.
    private let taken = Mutex<[String: Int]>([:])

    /// Takes a place for a connection; returns false if the application has no more.
    func take(_ app: PusherApp) -> Bool {
        taken.withLock { taken in
            let count = taken[app.id] ?? 0
            if let limit = app.options.maxConnections, count >= limit { return false }
            taken[app.id] = count + 1
            return true
        }
    }

    /// Gives a place back.
    func release(_ app: PusherApp) {
        taken.withLock { taken in
            let count = (taken[app.id] ?? 1) - 1
            taken[app.id] = count > 0 ? count : nil
        }
    }
}
