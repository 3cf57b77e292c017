internal import Bytes
internal import HTTP
internal import WSLoop

/// Publishes with `POST /publish`: one request at a time per connection; connections are made as needed.
final class HTTPPublisher: Publisher, StreamSetDelegate {
    /// After this time a server may be about to close an idle connection, just when a request is sent.
    private static let idleNanoseconds: UInt64 = 3_000_000_000

    private final class Connection {
        let key: StreamKey
        let stream: ClientStream
        var reader = AnswerReader()
        var output: [UInt8] = []
        var publication: Publication?
        var isConnected = false
        var interest: Readiness = [.readable, .writable]
        var usedNanoseconds: UInt64 = 0

        init(_ key: StreamKey, _ stream: ClientStream) {
            self.key = key
            self.stream = stream
        }
    }

    private let address: SocketAddress
    private let security: ClientStream.Security?
    private let heads: [[UInt8]]
    private let limit: Int
    private unowned let owner: any PublisherOwner
    private let buffer = ReadBuffer(byteCount: 65_536)
    private var streams: StreamSet?
    private var connections: [Connection?] = []
    /// Slots of idle connections, the most recently used last.
    private var idle: [Int] = []
    private var free: [Int] = []
    private var generation: UInt32 = 0

    /// Makes a publisher to the server at that address.
    ///
    /// - Parameter heads: the requests' heads, one for each channel.
    init(
        on loop: Loop, address: SocketAddress, security: ClientStream.Security?, heads: [[UInt8]], limit: Int,
        owner: any PublisherOwner
    ) throws(SystemError) {
        self.address = address
        self.security = security
        self.heads = heads
        self.limit = limit
        self.owner = owner
        streams = try StreamSet(on: loop, delegate: self)
    }

    func start() { owner.publisherReady() }

    var hasRoom: Bool { !idle.isEmpty || !free.isEmpty || connections.count < limit }

    func publish(_ message: [UInt8], _ publication: Publication) {
        guard let connection = idleConnection() ?? newConnection() else { return }
        connection.publication = publication
        connection.output.append(contentsOf: heads[publication.channel])
        connection.output.append(contentsOf: message)
        if connection.isConnected { send(connection) }
    }

    func close() {
        for connection in connections { if let connection { disconnect(connection) } }
        streams?.close()
        streams = nil
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        guard let connection = connections[Int(key.slot)], connection.key == key else { return }
        guard secure(connection) else { return }
        if readiness != .writable { receive(connection) }
        if connections[Int(key.slot)] === connection { send(connection) }
    }

    // MARK: Connections

    private func idleConnection() -> Connection? {
        let now = Loop.monotonicNanoseconds
        while let slot = idle.popLast() {
            guard let connection = connections[slot] else { continue }
            if now - connection.usedNanoseconds < HTTPPublisher.idleNanoseconds { return connection }
            disconnect(connection)
        }
        return nil
    }

    private func newConnection() -> Connection? {
        do {
            let stream = try ClientStream(to: address, security)
            let slot = free.popLast() ?? connections.count
            if slot == connections.count { connections.append(nil) }
            generation &+= 1
            let connection = Connection(StreamKey(slot: UInt32(slot), generation: generation), stream)
            connections[slot] = connection
            try streams?.add(stream.descriptor, key: connection.key, interest: connection.interest)
            return connection
        } catch let failure as ClientStream.Failure {
            owner.publisherFailed("connect to \(address): \(failure)")
            return nil
        } catch {
            owner.publisherFailed("\(error)")
            return nil
        }
    }

    private func disconnect(_ connection: Connection) {
        let slot = Int(connection.key.slot)
        connections[slot] = nil
        free.append(slot)
        idle.removeAll { $0 == slot }
        streams?.remove(connection.stream.descriptor)
        connection.stream.close()
    }

    // MARK: Requests and answers

    /// Continues the TLS handshake, if there is one; returns true when it is done.
    private func secure(_ connection: Connection) -> Bool {
        switch connection.stream.secure() {
        case .done: break
        case .needs(let readiness): setInterest(readiness, connection)
        case .failed(let failure): failed(connection, failure)
        }
        return connection.stream.isSecure
    }

    private func send(_ connection: Connection) {
        if !connection.output.isEmpty, case .accepted(let count) = connection.stream.send(connection.output.rawSpan) {
            connection.isConnected = true
            connection.output.removeFirst(count)
        }
        setInterest(connection.output.isEmpty ? .readable : [.readable, .writable], connection)
    }

    private func setInterest(_ interest: Readiness, _ connection: Connection) {
        guard interest != connection.interest else { return }
        connection.interest = interest
        streams?.update(connection.stream.descriptor, key: connection.key, interest: interest)
    }

    private func receive(_ connection: Connection) {
        switch connection.stream.read(into: buffer) {
        case .bytes:
            buffer.withContent { read($0, connection) }
            if connections[Int(connection.key.slot)] === connection, connection.stream.hasPendingInput {
                receive(connection)
            }
        case .wouldBlock: break
        case .ended: ended(connection, "the connection ended without an answer")
        case .failed(let failure): failed(connection, failure)
        }
    }

    private func failed(_ connection: Connection, _ failure: ClientStream.Failure) {
        guard !connection.isConnected else { return ended(connection, "publish to \(address): \(failure)") }
        disconnect(connection)
        owner.publisherFailed("connect to \(address): \(failure)")
    }

    private func read(_ content: RawSpan, _ connection: Connection) {
        var offset = 0
        do throws(ResponseViolation) {
            while let answer = try connection.reader.next(content, from: &offset) {
                guard let publication = connection.publication else {
                    // A response without a request, such as the 408 for an idle connection.
                    return disconnect(connection)
                }
                connection.publication = nil
                if answer.endsConnection {
                    disconnect(connection)
                } else {
                    connection.usedNanoseconds = Loop.monotonicNanoseconds
                    idle.append(Int(connection.key.slot))
                }
                owner.published(publication, failure: answer.failure)
                if answer.endsConnection { return }
            }
        } catch {
            ended(connection, error.message)
        }
    }

    private func ended(_ connection: Connection, _ reason: String) {
        disconnect(connection)
        guard let publication = connection.publication else { return }
        owner.published(publication, failure: PublishFailure(text: reason, isFinal: false))
    }
}

@available(*, unavailable)
extension HTTPPublisher: Sendable {}
