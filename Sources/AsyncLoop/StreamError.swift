public import WSLoop

/// Why an operation of a stream, listener or datagram socket has failed.
public enum StreamError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The task was cancelled.
    case cancelled
    /// The stream was closed on this side.
    case closed
    /// The operation took longer than its limit.
    case timedOut(Duration)
    /// A system call failed.
    case system(SystemError)
    /// TLS failed.
    case tls(reason: String)

    init(_ failure: ClientStream.Failure, _ operation: String) {
        switch failure {
        case .system(let code): self = .system(SystemError(code: code, operation: operation))
        case .tls(let reason): self = .tls(reason: reason)
        }
    }

    /// The failure in words.
    public var description: String {
        switch self {
        case .cancelled: "the task was cancelled"
        case .closed: "it was closed"
        case .timedOut(let limit): "took longer than \(limit)"
        case .system(let error): error.description
        case .tls(let reason): "TLS: \(reason)"
        }
    }
}

/// A time limit, and when it passes.
struct Deadline {
    let limit: Duration
    let instant: LoopClock.Instant

    init?(_ limit: Duration?) {
        guard let limit else { return nil }
        self.limit = limit
        instant = LoopClock.now.advanced(by: limit)
    }
}

extension LoopExecutor {
    /// Waits until a descriptor is ready, or throws why it will not be.
    func wait(
        _ direction: Descriptor.Direction, of descriptor: Descriptor, _ deadline: Deadline?
    ) async throws(StreamError) {
        guard !descriptor.isClosed else { throw .closed }
        let place = Confined(descriptor.place(direction), to: core.here)
        try StreamError.check(await wait(place, until: deadline?.instant), deadline)
    }
}

extension StreamError {
    /// Throws unless a wait has ended because its event has happened.
    static func check(_ wake: Wake, _ deadline: Deadline?) throws(StreamError) {
        switch wake {
        case .ready: return
        case .cancelled: throw .cancelled
        case .closed: throw .closed
        case .timedOut: throw .timedOut(deadline?.limit ?? .zero)
        }
    }
}
