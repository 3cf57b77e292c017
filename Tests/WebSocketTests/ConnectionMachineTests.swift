import Bytes
import Testing
import WebSocket

private let hello = Array("Hello".utf8)

@Suite struct ConnectionMachineTests {
    // RFC 6455 section 5.7.
    @Test func examplesOfTheRFC() {
        let masked: [UInt8] = [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        expect(masked, gives: [.text("Hello")])
        let pong: [UInt8] = [0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]
        expect(pong, gives: [.pong(hello)])
        expect(clientFrame(0x9, hello), gives: [.ping(hello)])
        expect(text("Hel", fin: false) + more("lo", fin: true), gives: [.text("Hello")])
        let bytes = [UInt8](repeating: 0xA5, count: 256)
        expect(clientFrame(0x2, bytes), gives: [.binary(bytes)])
    }

    @Test(arguments: [0, 1, 2, 124, 125, 126, 127, 255, 65_535, 65_536, 70_000])
    func lengthBoundaries(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        expect(clientFrame(0x2, bytes), gives: [.binary(bytes)])
    }

    @Test func emptyFrames() {
        expect(clientFrame(0x1), gives: [.text("")])
        expect(clientFrame(0x9) + clientFrame(0xA), gives: [.ping([]), .pong([])])
        expect(text("", fin: false) + more("", fin: false) + more("", fin: true), gives: [.text("")])
        expect(clientFrame(0x8), gives: [.close(nil)])
    }

    @Test func manyFramesInOneRead() {
        let bytes = text("one") + clientFrame(0x2, [1, 2]) + clientFrame(0x9, [3]) + text("two") + clientFrame(0xA)
        expect(bytes, gives: [.text("one"), .binary([1, 2]), .ping([3]), .text("two"), .pong([])])
    }

    @Test func controlFramesBetweenFragments() {
        let bytes =
            text("He", fin: false) + clientFrame(0x9, [1]) + more("l", fin: false) + clientFrame(0xA, [2, 3])
            + clientFrame(0x9) + more("lo", fin: true) + text("next")
        expect(bytes, gives: [.ping([1]), .pong([2, 3]), .ping([]), .text("Hello"), .text("next")])
    }

    @Test func aCloseBetweenFragmentsEndsEverything() {
        let close = clientFrame(0x8, [0x03, 0xE8])
        let normal = Event.close(CloseFrame(code: .normal, reason: ""))
        expect(text("He", fin: false) + close + more("llo", fin: true), gives: [normal])
    }

    @Test func afterACloseEverythingIsIgnored() {
        let close = clientFrame(0x8, [0x03, 0xE9] + Array("bye €".utf8))
        let goingAway = Event.close(CloseFrame(code: .goingAway, reason: "bye €"))
        expect(close + text("late") + [0xFF, 0xFF, 0xFF], gives: [goingAway])
        expect(text("x") + clientFrame(0x8) + close, gives: [.text("x"), .close(nil)])
    }

    @Test func textMayBeCutInsideCharacters() {
        let bytes = Array("ж€😀".utf8)
        for split in 0...bytes.count {
            let (head, tail) = (Array(bytes[..<split]), Array(bytes[split...]))
            let frames = clientFrame(0x1, head, fin: false) + clientFrame(0x9, [0xFF]) + clientFrame(0x0, tail)
            expect(frames, gives: [.ping([0xFF]), .text("ж€😀")])
        }
    }

    @Test func binaryNeedNotBeUTF8() {
        expect(clientFrame(0x2, [0xFF, 0xC0]), gives: [.binary([0xFF, 0xC0])])
        let fragments = clientFrame(0x2, [0xFF], fin: false) + clientFrame(0x0, [0xE2])
        expect(fragments + text("ok"), gives: [.binary([0xFF, 0xE2]), .text("ok")])
    }

    @Test func everyKeyByteCounts() {
        let bytes = Array("masked with many keys".utf8)
        for key in [[0, 0, 0, 0], [0xFF, 0, 0, 0], [0, 0xFF, 0, 1], [1, 2, 3, 4], [0xFF, 0xFE, 0xFD, 0xFC]] as [[UInt8]]
        {
            expect(clientFrame(0x1, bytes, key: key), gives: [.text(bytes)])
        }
    }

    @Test func aLargeMessageInManyReads() {
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 >> 3) }
        let frame = clientFrame(0x2, bytes)
        let cuts = Array(stride(from: 1_000, to: frame.count, by: 4_099))
        #expect(feed(frame, cuts: cuts) == Outcome(events: [.binary(bytes)]))
    }

    @Test func `each frame of a message is reported`() throws {
        var machine = ConnectionMachine()
        let bytes = text("a", fin: false) + clientFrame(0x9) + more("b", fin: false) + more("c", fin: true)
        var offset = 0
        var events: [Event] = []
        while let event = try machine.receive(bytes.rawSpan, from: &offset, limits: .generous) { events.append(event) }
        #expect(events == [.fragment, .ping([]), .fragment, .text("abc")])
    }

    @Test func pullStopsAfterEachEvent() throws {
        var machine = ConnectionMachine()
        let bytes = text("a") + text("b")
        var offset = 0
        let first = try machine.receive(bytes.rawSpan, from: &offset, limits: .generous)
        #expect(first == .text("a"))
        #expect(offset == text("a").count)
        let second = try machine.receive(bytes.rawSpan, from: &offset, limits: .generous)
        #expect(second == .text("b"))
        let end = try machine.receive(bytes.rawSpan, from: &offset, limits: .generous)
        #expect(end == nil)
        #expect(offset == bytes.count)
    }
}
