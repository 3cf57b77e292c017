import Bytes
import Glibc
import TestSupport
import Testing

@testable import WSLoop

/// The senders to test.
enum Method: CaseIterable {
    case sockets, ring

    /// Nothing to test if the kernel does not offer io_uring.
    static var available: [Method] {
        do throws(SystemError) {
            _ = try RingSender { _ in }
            return allCases
        } catch {
            return RingSender.isUnavailable(error) ? [.sockets] : allCases
        }
    }

    func makeSender() throws -> any Sender {
        self == .sockets
            ? SocketSender()
            : try RingSender { Issue.record("the ring failed: \($0)") }
    }
}

/// The two ends of a stream; our end is non-blocking.
private final class Pair {
    let ours: Int32
    let theirs: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
            throw TestFailure(description: "socketpair: errno \(errno)")
        }
        (ours, theirs) = (ends[0], ends[1])
    }

    deinit {
        close(ours)
        close(theirs)
    }

    /// Writes to our end until the kernel accepts no more; returns the bytes sent.
    func fill() -> Int {
        let chunk = [UInt8](repeating: 0xEE, count: 4096)
        var sent = 0
        while case .accepted(let count) = Socket.send(chunk.rawSpan, to: ours) { sent += count }
        return sent
    }

    /// The bytes that have arrived.
    func received() -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(theirs, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT))
            }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}

@Suite struct SenderTests {
    private func add(_ pieces: [[UInt8]], to descriptor: Int32, _ list: WriteList) {
        list.add(to: descriptor)
        for piece in pieces { unsafe piece.withUnsafeBytes { #expect(unsafe list.append($0)) } }
    }

    /// Every write arrives complete, with its pieces in order, at its own peer.
    @Test(arguments: Method.available, [1, 2, 7, 8, 9, 64, 127, 128])
    func everyWriteArrivesAtItsOwnPeer(method: Method, count: Int) throws {
        let sender = try method.makeSender()
        let list = WriteList()
        var random = SeededGenerator(seed: UInt64(count))
        let pairs = try (0..<count).map { _ in try Pair() }
        for _ in 0..<3 {
            let contents = pairs.map { _ in
                (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                }
            }
            for (pair, pieces) in zip(pairs, contents) { add(pieces, to: pair.ours, list) }
            #expect(list.count == count)
            withExtendedLifetime(contents) { sender.send(list) }
            for index in 0..<count {
                let expected = contents[index].flatMap { $0 }
                #expect(list.result(index) == .accepted(expected.count))
                #expect(pairs[index].received() == expected)
            }
            list.removeAll()
            #expect(list.count == 0)
        }
    }

    /// A peer that accepts nothing, one that accepts a part, and one that is gone do not affect the others.
    @Test(arguments: Method.available)
    func eachWriteHasAResultOfItsOwn(method: Method) throws {
        let sender = try method.makeSender()
        let list = WriteList()
        let pairs = try (0..<40).map { _ in try Pair() }
        let (full, gone, large) = (3, 11, 29)
        let filled = pairs[full].fill()
        shutdown(pairs[gone].ours, Int32(SHUT_RDWR))
        let small: [UInt8] = [1, 2, 3]
        let huge = [UInt8](repeating: 7, count: 8_000_000)
        withExtendedLifetime((small, huge)) {
            for index in pairs.indices { add([index == large ? huge : small], to: pairs[index].ours, list) }
            sender.send(list)
        }
        for index in pairs.indices {
            let received = pairs[index].received()
            switch index {
            case full:
                #expect(list.result(index) == .wouldBlock)
                #expect(received.count == filled)
            case gone:
                #expect(list.result(index) == .failed(errno: EPIPE))
            case large:
                guard case .accepted(let count) = list.result(index) else {
                    Issue.record("\(list.result(index))")
                    continue
                }
                #expect((1..<huge.count).contains(count))
                #expect(received == Array(huge.prefix(count)))
            default:
                #expect(list.result(index) == .accepted(3))
                #expect(received == small)
            }
        }
    }

    @Test func aWriteTakesSoManyPieces() throws {
        let list = WriteList()
        let pair = try Pair()
        let bytes: [UInt8] = Array(0..<UInt8(WriteList.maxPieces))
        list.add(to: pair.ours)
        unsafe bytes.withUnsafeBytes { memory in
            for index in memory.indices {
                #expect(unsafe list.append(UnsafeRawBufferPointer(rebasing: memory[index...index])))
            }
            #expect(!(unsafe list.append(memory)))
            SocketSender().send(list)
        }
        #expect(list.result(0) == .accepted(bytes.count))
        #expect(pair.received() == bytes)
    }

    /// The kernel refuses a ring from another thread; everything is still sent, once.
    @Test(.enabled(if: Method.available.contains(.ring)))
    func aRingThatFailsIsReplaced() throws {
        let failures = Failures()
        let sender = try makeRingOnAnotherThread(failures)
        let pairs = try (0..<20).map { _ in try Pair() }
        let list = WriteList()
        let bytes: [UInt8] = [1, 2, 3]
        for _ in 0..<2 {
            for pair in pairs { add([bytes], to: pair.ours, list) }
            withExtendedLifetime(bytes) { sender.send(list) }
            for index in pairs.indices {
                #expect(list.result(index) == .accepted(3))
                #expect(pairs[index].received() == bytes)
            }
            list.removeAll()
        }
        #expect(failures.codes == [EEXIST])
    }

    private final class Failures {
        var codes: [Int32] = []
    }

    private func makeRingOnAnotherThread(_ failures: Failures) throws -> RingSender {
        // One thread makes it, and the other uses it after the join, so never both at once.
        nonisolated(unsafe) var sender: RingSender?
        nonisolated(unsafe) let failures = failures
        let thread = try LoopThread(named: "ring") {
            unsafe sender = try? RingSender { unsafe failures.codes.append($0.code) }
        }
        thread.join()
        guard let made = unsafe sender else { throw TestFailure(description: "no ring") }
        return made
    }
}
