public import WSLoop

/// A child process and the streams to its standard input, output and error.
public final class LoopProcess: Sendable {
    /// What a standard stream of a process is.
    public enum Channel: Sendable {
        /// /dev/null.
        case null
        /// This process' own.
        case inherited
        /// A stream of the `LoopProcess`; for the process it is a socket.
        case stream
    }

    /// The process' number.
    public let identifier: Int32
    /// What the process reads; call `endWrites` when there is no more.
    public let standardInput: ByteStream?
    /// What the process writes.
    public let standardOutput: ByteStream?
    /// What the process writes to its standard error.
    public let standardError: ByteStream?
    private let loop: LoopExecutor
    private let state: Confined<ProcessState>

    fileprivate init(_ process: ChildProcess, _ command: String, _ streams: [ByteStream?], on loop: LoopExecutor) {
        identifier = process.identifier
        (standardInput, standardOutput, standardError) = (streams[0], streams[1], streams[2])
        self.loop = loop
        let core = loop.core.here
        state = Confined(ProcessState(process, command, in: core), to: core)
    }

    /// Sends a signal, unless the process has ended.
    public func kill(_ signal: Int32 = 15) {
        loop.perform { self.state.here.kill(signal) }
    }

    /// Waits for the end of the process.
    public func exit() async throws(CancellationError) -> ChildProcess.Exit {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(CancellationError) in
                try await self.exit()
            }
        }
        while true {
            if let exit = state.here.exit { return exit }
            guard await loop.wait(Confined(state.here.place, to: loop.core.here)) == .ready else {
                throw CancellationError()
            }
        }
    }

    /// Ends the process: asks it by SIGTERM, and kills it if it does not end in time.
    fileprivate func end(within grace: Duration) async {
        for stream in [standardInput, standardOutput, standardError] { stream?.close() }
        kill()
        let ticket = loop.core.here.sleepers.call(at: LoopClock.now.advanced(by: grace).nanoseconds) { [state] in
            state.here.kill(9)
        }
        if state.here.exit == nil {
            await loop.waitUncancellably(Confined(state.here.endPlace, to: loop.core.here))
        }
        loop.core.here.sleepers.remove(ticket)
    }
}

extension LoopExecutor {
    /// Runs a process as long as `body` takes; if it is still running then, it is ended.
    ///
    /// - Parameter grace: the time between SIGTERM and SIGKILL.
    public func withProcess<Result: Sendable>(
        _ command: ChildProcess.Command, input: LoopProcess.Channel = .null, output: LoopProcess.Channel = .stream,
        error: LoopProcess.Channel = .inherited, grace: Duration = .seconds(5),
        _ body: @escaping @Sendable (LoopProcess) async throws -> Result
    ) async throws -> Result {
        guard isCurrent else {
            return try await onLoop {
                try await self.withProcess(command, input: input, output: output, error: error, grace: grace, body)
            }
        }
        let process = try start(command, [input, output, error])
        do {
            let result = try await body(process)
            await process.end(within: grace)
            return result
        } catch {
            await process.end(within: grace)
            throw error
        }
    }

    private func start(_ command: ChildProcess.Command, _ channels: [LoopProcess.Channel]) throws -> LoopProcess {
        var descriptors: [Int32?] = []
        var streams: [ByteStream?] = []
        var ends: [Int32] = []
        // The process has its own copies.
        defer { for end in ends { Socket.close(end) } }
        do {
            for (number, channel) in channels.enumerated() {
                switch channel {
                case .null, .inherited:
                    descriptors.append(channel == .null ? nil : Int32(number))
                    streams.append(nil)
                case .stream:
                    let (own, other) = try Socket.pair()
                    ends.append(other)
                    descriptors.append(other)
                    let connection = try ClientStream(accepted: own)
                    let stream = try ByteStream(
                        connection, "stream of a process", peer: SocketAddress(peerOf: own), on: self)
                    streams.append(stream)
                }
            }
            let child = try ChildProcess(on: core.here.loop, command, descriptors: descriptors)
            return LoopProcess(child, command.program, streams, on: self)
        } catch {
            for stream in streams { stream?.close() }
            throw error
        }
    }
}

/// A process' handle, on the loop.
private final class ProcessState: Resource {
    let name: String
    /// Of the task that waits for the end, and of the one that ends the scope.
    let place = WaitPlace(), endPlace = WaitPlace()
    private(set) var exit: ChildProcess.Exit?
    private let process: ChildProcess
    private unowned let core: LoopCore

    init(_ process: ChildProcess, _ command: String, in core: LoopCore) {
        self.process = process
        self.core = core
        name = "process \(process.identifier) (\(command))"
        core.add(self)
        process.onEvent { [unowned self] in ended() }
    }

    func kill(_ signal: Int32) { process.kill(signal) }

    private func ended() {
        exit = process.exit
        process.close()
        core.remove(self)
        place.wake(.ready)
        endPlace.wake(.ready)
    }

    func abandon() { kill(9) }
}
