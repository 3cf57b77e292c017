internal import Bytes
internal import WSLoop
internal import WebSocket

/// The connections of all subscribers.
final class Subscribers: StreamSetDelegate {
    private static let maxHandshakes = 128

    private struct Member {
        let subscriber: Subscriber
        /// Nil once the connection is closed.
        var stream: ClientStream?
        var interest: Readiness = [.readable, .writable]
    }

    private let plan: BenchPlan
    private let run: RunID
    private let tally: Tally
    private let stamp: Stamp
    private let limits: ConnectionMachine.Limits
    private let buffer = ReadBuffer(byteCount: 262_144)
    private var streams: StreamSet?
    private var keys = MaskingKeys()
    private var members: [Member] = []
    private var untriedAddresses: [SocketAddress] = []
    /// The number of handshakes in progress.
    private(set) var handshakes = 0

    /// The address that the first one connected to; all others use it too.
    private(set) var address: SocketAddress?
    /// The number of connections that were opened.
    private(set) var opened = 0
    /// The number of opened connections that were lost.
    private(set) var lost = 0
    /// Why the first of them was lost.
    private(set) var firstLoss: String?
    /// Why a connection was refused; no more are attempted then.
    private(set) var refusal: String?
    /// The number of open sockets.
    private(set) var sockets = 0

    init(_ plan: BenchPlan, run: RunID, tally: Tally, on loop: Loop) throws(SystemError) {
        self.plan = plan
        self.run = run
        self.tally = tally
        stamp = Stamp(run: run)
        // Every message of the run is smaller, even in an envelope.
        limits = ConnectionMachine.Limits(maxMessageBytes: max(1 << 20, plan.messageBytes * 2), maxFragments: 1 << 16)
        members.reserveCapacity(plan.connections)
        streams = try StreamSet(on: loop, delegate: self)
    }

    /// Connects the first subscriber to the first of these addresses that answers.
    func start(at addresses: [SocketAddress]) {
        untriedAddresses = addresses
        connectToNextAddress(after: "no address")
    }

    /// Connects more subscribers, as many as may be in progress at once.
    func openMore() {
        guard opened > 0 else { return }
        while refusal == nil, members.count < plan.connections, handshakes < Subscribers.maxHandshakes { connect() }
    }

    /// Asks the server to close all connections.
    func close() {
        for index in members.indices {
            if members[index].subscriber.close(keys: &keys) { send(index) } else { disconnect(index) }
        }
    }

    /// Closes all remaining connections.
    func stop() {
        for index in members.indices { disconnect(index) }
        streams?.close()
        streams = nil
    }

    /// Calls `body` for each subscriber that was connected.
    func forEachOpened(_ body: (_ channel: Int, _ arrived: Int) -> Void) {
        for member in members where member.subscriber.wasOpened {
            body(member.subscriber.channel, member.subscriber.arrived)
        }
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let index = Int(key.slot)
        guard let stream = members[index].stream, secure(index, stream) else { return }
        if readiness != .writable { receive(index, stream) }
        send(index)
    }

    // MARK: Connecting

    private func connectToNextAddress(after problem: String) {
        guard !untriedAddresses.isEmpty else { return refused(0, problem) }
        address = untriedAddresses.removeFirst()
        members.removeAll(keepingCapacity: true)
        connect()
    }

    private func connect() {
        guard let address else { return }
        let index = members.count
        let channel = plan.channel(ofConnection: index)
        do {
            let handshake = try plan.handshake(channel: plan.channelName(channel, run: run))
            let stream = try ClientStream(to: address, plan.security)
            let member = Member(subscriber: Subscriber(handshake, channel: channel, limits: limits), stream: stream)
            do {
                try streams?.add(stream.descriptor, key: key(index), interest: member.interest)
            } catch {
                stream.close()
                throw error
            }
            members.append(member)
            handshakes += 1
            sockets += 1
        } catch let error as ClientHandshake.InvalidRequest {
            refused(index, error.message)
        } catch let failure as ClientStream.Failure {
            unreachable(index, problem(failure, "connect to"))
        } catch {
            unreachable(index, "\(error)")
        }
    }

    private func unreachable(_ index: Int, _ problem: String) {
        if opened == 0 { connectToNextAddress(after: problem) } else { refused(index, problem) }
    }

    private func refused(_ index: Int, _ problem: String) {
        if refusal == nil { refusal = "connection \(index + 1) of \(plan.connections): \(problem)" }
    }

    // MARK: One connection

    /// Continues the TLS handshake, if there is one; returns true when it is done.
    private func secure(_ index: Int, _ stream: ClientStream) -> Bool {
        switch stream.secure() {
        case .done: break
        case .needs(let readiness): setInterest(index, readiness)
        case .failed(let failure): failed(index, failure)
        }
        return stream.isSecure
    }

    private func receive(_ index: Int, _ stream: ClientStream) {
        let subscriber = members[index].subscriber
        switch stream.read(into: buffer) {
        case .bytes:
            let now = Loop.monotonicNanoseconds
            buffer.withContent { content in
                var offset = 0
                while let change = subscriber.receive(
                    content, from: &offset, atNanoseconds: now, stamp: stamp, keys: &keys, tally: tally)
                {
                    changed(index, change)
                }
            }
            if members[index].stream?.hasPendingInput == true { receive(index, stream) }
        case .wouldBlock: break
        case .ended: ended(index, "the connection ended without a Close frame")
        case .failed(let failure): failed(index, failure)
        }
    }

    private func failed(_ index: Int, _ failure: ClientStream.Failure) {
        let isOpening = members[index].subscriber.isOpening
        let problem = problem(failure, isOpening ? "connect to" : "connection to")
        guard isOpening, opened == 0 else { return ended(index, problem) }
        handshakes -= 1
        disconnect(index)
        unreachable(index, problem)
    }

    private func problem(_ failure: ClientStream.Failure, _ operation: String) -> String {
        "\(operation) \(address.map { "\($0)" } ?? ""): \(failure)"
    }

    private func ended(_ index: Int, _ reason: String) {
        if let change = members[index].subscriber.ended(reason) { changed(index, change) } else { disconnect(index) }
    }

    private func changed(_ index: Int, _ change: Subscriber.Change) {
        let subscriber = members[index].subscriber
        switch change {
        case .opened:
            handshakes -= 1
            opened += 1
            tally.joined(subscriber.channel)
            return
        case .refused(let problem):
            handshakes -= 1
            refused(index, problem)
        case .lost(let reason):
            lost += 1
            if firstLoss == nil { firstLoss = "connection \(index + 1): \(reason)" }
            tally.left(subscriber.channel, at: subscriber.arrived)
            send(index)
        case .closed: break
        }
        disconnect(index)
    }

    private func send(_ index: Int) {
        guard index < members.count, let stream = members[index].stream, stream.isSecure else { return }
        let subscriber = members[index].subscriber
        if !subscriber.output.isEmpty {
            // The server's last output is still to be read, so a failure is handled by the read that finds it.
            if case .accepted(let count) = stream.send(subscriber.output.rawSpan) {
                subscriber.outputTaken(count)
            }
        }
        setInterest(index, subscriber.output.isEmpty ? .readable : [.readable, .writable])
    }

    private func setInterest(_ index: Int, _ interest: Readiness) {
        guard let stream = members[index].stream, interest != members[index].interest else { return }
        members[index].interest = interest
        streams?.update(stream.descriptor, key: key(index), interest: interest)
    }

    private func key(_ index: Int) -> StreamKey {
        StreamKey(slot: UInt32(index), generation: 0)
    }

    private func disconnect(_ index: Int) {
        guard let stream = members[index].stream else { return }
        members[index].stream = nil
        sockets -= 1
        streams?.remove(stream.descriptor)
        stream.close()
    }
}

@available(*, unavailable)
extension Subscribers: Sendable {}
