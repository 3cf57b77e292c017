import Bytes
import Glibc
import Testing

@testable import WSLoop

/// A stream set with one listener, whose streams the test handles itself.
private final class Server: StreamSetDelegate {
    let loop: Loop
    private var streams: StreamSet?
    private var listener: Listener?
    private(set) var open: [Int32] = []
    private(set) var events: [(key: StreamKey, readiness: Readiness)] = []
    var onReady: ((StreamKey, Readiness) -> Void)?

    init(on loop: Loop, _ transport: Transport, interest: Readiness) throws {
        self.loop = loop
        streams = try StreamSet(on: loop, delegate: self)
        listener = try Listener(
            on: loop, address: transport.makeAddress(), unsentLowWaterBytes: 16384, starved: { _ in },
            accepted: { [weak self] in self?.accept($0.descriptor, interest) })
        listener?.resume()
    }

    func connect() throws -> (client: ClientSocket, stream: Int32) {
        guard let address = listener?.address else { throw TestFailure(description: "closed") }
        let count = open.count
        let client = try ClientSocket(to: address)
        try loop.turn(for: "the client") { open.count > count }
        return (client, open[count])
    }

    func update(_ index: Int, interest: Readiness) {
        streams?.update(open[index], key: key(index), interest: interest)
    }

    func remove(_ index: Int) { streams?.remove(open[index]) }

    func key(_ index: Int) -> StreamKey {
        StreamKey(slot: UInt32(index), generation: UInt32.max - UInt32(index))
    }

    func forgetEvents() { events = [] }

    func close() {
        onReady = nil
        for stream in open { Socket.close(stream) }
        streams?.close()
        listener?.close()
    }

    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        events.append((key, readiness))
        onReady?(key, readiness)
    }

    private func accept(_ stream: Int32, _ interest: Readiness) {
        open.append(stream)
        do {
            try streams?.add(stream, key: key(open.count - 1), interest: interest)
        } catch {
            Issue.record("\(error)")
        }
    }
}

struct StreamSetTests {
    private func withServer(_ transport: Transport, interest: Readiness, _ body: (Server) throws -> Void) throws {
        SystemLimits.ignoreBrokenPipes()
        try withLoop { loop in
            let server = try Server(on: loop, transport, interest: interest)
            defer { server.close() }
            try body(server)
        }
    }

    @Test(arguments: Transport.available)
    func whatClientsSendIsRead(transport: Transport) throws {
        try withServer(transport, interest: .readable) { server in
            let pairs = try (0..<3).map { _ in try server.connect() }
            let buffer = ReadBuffer(byteCount: 4)
            var received: [UInt32: [UInt8]] = [:]
            server.onReady = { key, readiness in
                #expect(readiness == .readable)
                #expect(key.generation == UInt32.max - key.slot)
                guard case .bytes(let count) = buffer.fill(from: server.open[Int(key.slot)]) else { return }
                buffer.withContent { content in
                    #expect(content.byteCount == count)
                    received[key.slot, default: []].append(content)
                }
            }
            for (index, pair) in pairs.enumerated() { pair.client.send(Array("client \(index)".utf8)) }
            // Eight bytes through a buffer of four: unread bytes are reported again.
            try server.loop.turn(for: "all bytes") { received.values.map(\.count).reduce(0, +) == 24 }
            for index in 0..<3 { #expect(received[UInt32(index)] == Array("client \(index)".utf8)) }
            for pair in pairs { #expect(buffer.fill(from: pair.stream) == .wouldBlock) }
        }
    }

    @Test(arguments: Transport.available)
    func aFullSocketTellsWhenThereIsRoomAgain(transport: Transport) throws {
        try withServer(transport, interest: []) { server in
            let (client, stream) = try server.connect()
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var sent: [UInt8] = []
            var offset = 0
            loop: while true {
                switch Socket.send(bytes.rawSpan, from: offset, to: stream) {
                case .accepted(let count):
                    sent += bytes[offset..<offset + count]
                    offset = (offset + count) % bytes.count
                case .wouldBlock: break loop
                case .failed(let code):
                    Issue.record("errno \(code)")
                    return
                }
            }
            #expect(!sent.isEmpty)
            server.update(0, interest: .writable)
            server.loop.turn(waiting: false)
            server.loop.turn(waiting: false)
            #expect(server.events.isEmpty)
            #expect(client.receiveAll(sent.count) == sent)
            try server.loop.turn(for: "room") { !server.events.isEmpty }
            #expect(server.events[0].key == server.key(0))
            #expect(server.events[0].readiness == .writable)
            guard case .accepted(let count) = Socket.send(bytes.rawSpan, to: stream) else {
                Issue.record("no room")
                return
            }
            #expect(count > 0)
        }
    }

    @Test(arguments: Transport.available)
    func theEndOfAStreamIsReadable(transport: Transport) throws {
        try withServer(transport, interest: .readable) { server in
            let (client, stream) = try server.connect()
            let buffer = ReadBuffer(byteCount: 64)
            client.send([1])
            client.close()
            try server.loop.turn(for: "an event") { !server.events.isEmpty }
            #expect(server.events[0].readiness.contains(.readable))
            #expect(buffer.fill(from: stream) == .bytes(1))
            try server.loop.turn(for: "the end") { buffer.fill(from: stream) == .endOfStream }
        }
    }

    @Test(arguments: Transport.available)
    func aHangUpIsSeenWithoutAnyInterest(transport: Transport) throws {
        try withServer(transport, interest: []) { server in
            let (client, stream) = try server.connect()
            client.send([1])
            server.loop.turn(waiting: false)
            #expect(server.events.isEmpty)
            client.reset()
            try server.loop.turn(for: "the hang-up") { !server.events.isEmpty }
            #expect(server.events[0].readiness.contains(.hangUp))
            let bytes: [UInt8] = [1]
            guard case .failed = Socket.send(bytes.rawSpan, to: stream) else {
                Issue.record("sent on a broken connection")
                return
            }
        }
    }

    @Test func aTurnReportsSomeStreamsAndTheNextOnesTheOthers() throws {
        try withServer(.unix, interest: .readable) { server in
            let clients = try (0..<300).map { _ in try server.connect().client }
            for client in clients { client.send([1]) }
            server.forgetEvents()
            var reported: Set<StreamKey> = []
            for _ in 0..<3 {
                server.loop.turn(waiting: false)
                #expect((1...128).contains(server.events.count))
                reported.formUnion(server.events.map(\.key))
                server.forgetEvents()
            }
            #expect(reported.count == 300)
        }
    }

    @Test func aRemovedStreamIsNotReported() throws {
        try withServer(.ipv4, interest: .readable) { server in
            let first = try server.connect()
            let second = try server.connect()
            server.remove(0)
            first.client.send([1])
            second.client.send([2])
            try server.loop.turn(for: "the second") { !server.events.isEmpty }
            #expect(server.events.allSatisfy { $0.key == server.key(1) })
        }
    }

    @Test func shutdownEndsTheStreamAfterWhatWasSent() throws {
        try withServer(.ipv4, interest: []) { server in
            let (client, stream) = try server.connect()
            let bytes: [UInt8] = [1, 2, 3]
            #expect(Socket.send(bytes.rawSpan, to: stream) == .accepted(3))
            Socket.shutdownWrites(stream)
            #expect(client.receiveAll(10) == bytes)
        }
    }

    @Test func sendingFromAnOffsetSkipsWhatCameBefore() throws {
        try withServer(.ipv4, interest: []) { server in
            let (client, stream) = try server.connect()
            let bytes: [UInt8] = [1, 2, 3, 4]
            #expect(Socket.send(bytes.rawSpan, from: 3, to: stream) == .accepted(1))
            #expect(Socket.send(bytes.rawSpan, from: 4, to: stream) == .accepted(0))
            #expect(client.receive(4) == [4])
        }
    }

    @Test func aDescriptorThatIsClosedCannotBeAdded() throws {
        try withLoop { loop in
            final class Nobody: StreamSetDelegate {
                func streamReady(_ key: StreamKey, _ readiness: Readiness) {}
            }
            let nobody = Nobody()
            let streams = try StreamSet(on: loop, delegate: nobody)
            #expect(throws: SystemError.self) {
                try streams.add(1_000_000, key: StreamKey(slot: 0, generation: 0), interest: .readable)
            }
            streams.close()
        }
    }
}
