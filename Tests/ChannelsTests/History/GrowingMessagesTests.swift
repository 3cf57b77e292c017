import Synchronization
import Testing

@testable import Channels

@Suite struct GrowingMessagesTests {
    private func growing(maxBytes: Int = 100, ofChannel: Int = 10_000, budget: Int = 1 << 20) -> GrowingMessages {
        GrowingMessages(maxBytes: maxBytes, maxBytesOfChannel: ofChannel, budgetBytes: budget)
    }

    private func piece(_ text: String, of id: String, isLast: Bool = false, at now: UInt64 = 0) -> Message {
        Message(
            channel: "c", payload: Array(text.utf8), part: GrowingPart(of: id, isLast ? .last : .piece),
            receivedNanoseconds: now)
    }

    private func add(_ messages: Message..., to growing: inout GrowingMessages) {
        for message in messages { growing.append(message, message.part ?? GrowingPart(of: "", .piece)) }
    }

    private func texts(_ growing: GrowingMessages, _ channel: String = "c") -> [String] {
        growing.whole(of: channel, at: 0).map { "\($0.part?.id ?? ""): \(String(decoding: $0.payload, as: UTF8.self))" }
    }

    @Test func piecesAreJoinedUntilTheLast() {
        var growing = growing()
        let empty = growing.bytes
        add(piece("a", of: "s"), piece("1", of: "t"), piece("b", of: "s"), to: &growing)
        #expect(texts(growing) == ["s: ab", "t: 1"])
        #expect(growing.whole(of: "c", at: 0).allSatisfy { $0.part?.kind == .whole })
        #expect(growing.isGrowing("c") && !growing.isGrowing("d") && texts(growing, "d") == [])
        add(piece("", of: "t", isLast: true), piece("c", of: "s", isLast: true), to: &growing)
        #expect(texts(growing) == [] && growing.channelCount == 0 && growing.bytes == empty)
        add(piece("x", of: "s", isLast: true), to: &growing)
        #expect(growing.bytes == empty, "one piece that is the last")
    }

    @Test func limitsAreKept() {
        var growing = growing(ofChannel: 600, budget: 1000)
        #expect(growing.refusal(of: "s", bytes: 101, in: "c") == .tooLarge(bytes: 101, limit: 100))
        add(piece(String(repeating: "x", count: 60), of: "s"), to: &growing)
        #expect(growing.refusal(of: "s", bytes: 40, in: "c") == nil)
        #expect(growing.refusal(of: "s", bytes: 41, in: "c") == .tooLarge(bytes: 101, limit: 100))
        #expect(growing.refusal(of: "t", bytes: 50, in: "c") == .tooMuch(limit: 600))
        #expect(growing.refusal(of: "t", bytes: 0, in: "c") == nil)
        #expect(growing.refusal(of: "t", bytes: 50, in: "d") == nil)
        for channel in ["d", "e"] {
            growing.append(
                Message(channel: channel, payload: [], part: GrowingPart(of: "t", .piece), receivedNanoseconds: 0),
                GrowingPart(of: "t", .piece))
        }
        #expect(growing.refusal(of: "t", bytes: 0, in: "f") == .overBudget)
        #expect(growing.refusal(of: "t", bytes: 50, in: "d") == nil)
        var many = self.growing(ofChannel: 1 << 20)
        for number in 0..<GrowingMessages.maxOfChannel { add(piece("", of: "\(number)"), to: &many) }
        #expect(many.refusal(of: "new", bytes: 0, in: "c") == .tooMany(limit: 64))
        #expect(many.refusal(of: "7", bytes: 0, in: "c") == nil)
    }

    /// Pieces that the broker has taken: a copy that lacks something is forgotten, until the message begins anew.
    @Test func aCopyFollowsTheBroker() {
        var growing = growing(maxBytes: 1, budget: 1000)
        func follow(_ text: String, from start: Int?, isLast: Bool = false) -> [String] {
            let part = GrowingPart(of: "s", isLast ? .last : .piece, from: start)
            growing.follow(Message(channel: "c", payload: Array(text.utf8), receivedNanoseconds: 0), part)
            return texts(growing)
        }
        #expect(follow("b", from: 1) == [], "the first piece is not here")
        #expect(follow("ab", from: 0) == ["s: ab"])
        #expect(follow("c", from: 2) == ["s: abc"])
        #expect(follow("e", from: 4) == [], "a piece is not here")
        #expect(follow("f", from: 5) == [])
        #expect(follow("g", from: 0) == ["s: g"])
        #expect(follow("", from: 1, isLast: true) == [] && growing.bytes == 0)
        #expect(follow(String(repeating: "x", count: 1001), from: 0) == [], "there is no room")
        #expect(growing.bytes == 0 && growing.channelCount == 0)
    }

    @Test func theBrokerSaysWhatThereIs() {
        var growing = growing(budget: 1000)
        add(piece("old", of: "s"), piece("old", of: "t"), to: &growing)
        func whole(_ id: String, _ text: String) -> Message {
            Message(
                channel: "c", payload: Array(text.utf8), part: GrowingPart(of: id, .whole), receivedNanoseconds: 0)
        }
        growing.set([whole("t", "new"), whole("u", "x"), whole("v", String(repeating: "x", count: 900))], in: "c")
        #expect(texts(growing) == ["t: new", "u: x"], "there is no room for the last one")
        growing.set([], in: "c")
        #expect(growing.bytes == 0 && growing.channelCount == 0)
    }

    @Test func whatGetsNoPieceIsForgotten() {
        var growing = growing()
        add(piece("a", of: "s"), piece("b", of: "t", at: 5), to: &growing)
        growing.dropIdle(at: 600_000_000_000)
        #expect(texts(growing) == ["t: b"])
        growing.dropIdle(at: 600_000_000_005)
        #expect(growing.channelCount == 0 && growing.bytes == 0)
    }

    /// Joiners at random moments have the whole text, whether from pieces or from what was there before.
    @Test(arguments: [nil, HistoryLimits(maxMessages: 5, maxAgeSeconds: 60)])
    func theCutIsExact(limits: HistoryLimits?) throws {
        let directory = ChannelDirectory(loops: 1, isAlwaysReady: true)
        let inbox = Mutex<[Message]>([])
        _ = directory.acquire("c", loop: 0)
        var text = ""
        for number in 0..<200 {
            let isLast = number % 20 == 19
            let part = GrowingPart(of: "s", isLast ? .last : .piece)
            let outcome = directory.publish(part, bytes: 3, to: "c", keeping: limits, at: 0) { position in
                Message(
                    channel: "c", payload: Array("\(number),".utf8), position: position, part: part,
                    receivedNanoseconds: 0)
            } post: { message, _ in
                inbox.withLock { $0.append(message) }
            }
            #expect(try outcome.get() == 1)
            text = isLast ? "" : text + "\(number),"
            #expect(directory.hasGrowing("c") == !isLast)
            let reading = directory.read(HistoryLookup(of: "c", limits, HistoryRequest()), at: 0)
            #expect(reading.growing.map { String(decoding: $0.payload, as: UTF8.self) } == (isLast ? [] : [text]))
            #expect(reading.growing.first?.position == (isLast ? nil : reading.position))
        }
        #expect(inbox.withLock { $0.count } == 200)
        let position = StreamPosition(epoch: "", offset: 199)
        let recovered = directory.read(HistoryLookup(of: "c", limits, HistoryRequest(recover: position)), at: 0)
        #expect(recovered.growing.isEmpty)
    }
}
