import Glibc
import Testing

@testable import WSLoop

struct ConnectTests {
    @Test(arguments: Transport.available)
    func bytesFlowBothWays(transport: Transport) throws {
        try withLoop { loop in
            var accepted: [AcceptedStream] = []
            let listener = try Listener(
                on: loop, address: transport.makeAddress(), unsentLowWaterBytes: 16384,
                starved: { Issue.record("starved: \($0)") }, accepted: { accepted.append($0) })
            listener.resume()
            let client = try Socket.connect(to: listener.address)
            #expect(fcntl(client, F_GETFL) & O_NONBLOCK != 0)
            #expect(fcntl(client, F_GETFD) & FD_CLOEXEC != 0)
            try loop.turn(for: "the client") { accepted.count == 1 }
            let (hello, buffer): ([UInt8], ReadBuffer) = ([1, 2, 3], ReadBuffer(byteCount: 100))
            for (from, to) in [(client, accepted[0].descriptor), (accepted[0].descriptor, client)] {
                #expect(unsafe Socket.send(hello.span.bytes, to: from) == .accepted(3))
                try loop.turn(for: "the bytes") { buffer.fill(from: to) == .bytes(3) }
                buffer.withContent { #expect(unsafe $0.withUnsafeBytes { unsafe Array($0) } == hello) }
            }
            Socket.close(client)
            Socket.close(accepted[0].descriptor)
            listener.close()
        }
    }

    @Test func aRefusalIsToldByTheFirstRead() throws {
        try withLoop { loop in
            let listener = try Listener(
                on: loop, address: Transport.ipv4.makeAddress(), unsentLowWaterBytes: 16384, starved: { _ in },
                accepted: { _ in })
            let address = listener.address
            listener.close()
            loop.turn(waiting: false)
            let client = try Socket.connect(to: address)
            let watcher = try PollWatcher(on: loop, descriptor: client)
            var result: Socket.ReadResult?
            watcher.onReady { _ in result = ReadBuffer(byteCount: 100).fill(from: client) }
            watcher.wait(for: [.readable, .writable])
            try loop.turn(for: "the refusal") { result != nil }
            #expect(result == .failed(errno: ECONNREFUSED))
            watcher.close { Socket.close(client) }
        }
    }

    @Test func whatFailsAtOnceIsThrown() throws {
        let address = try #require(SocketAddress(unixPath: temporaryPath()))
        let error = #expect(throws: SystemError.self) { _ = try Socket.connect(to: address) }
        #expect(error?.code == ENOENT)
    }
}
