import Testing

@testable import Channels

/// Messages that a broker has numbered.
@Suite struct NumberedElsewhereTests {
    private let limits = HistoryLimits(maxMessages: 3, maxAgeSeconds: 60)
    private let directory = ChannelDirectory(loops: 2, isAlwaysReady: false)

    /// Publishes a message with a place; returns the loops that got it.
    @discardableResult
    private func publish(_ place: String, isPast: Bool = false) throws -> [Int] {
        let position = try #require(StreamPosition(place))
        let message = Message(
            channel: "c", payload: Array(place.utf8), position: position, receivedNanoseconds: 1)
        var loops: [Int] = []
        directory.publish(message, at: position, keeping: limits, isPast: isPast, at: 1) { loops.append($0) }
        return loops
    }

    private func read(_ place: String? = nil) -> (position: String, isRecovered: Bool?, texts: [String]) {
        let request = HistoryRequest(recover: place.flatMap { StreamPosition($0) }, last: place == nil ? 10 : 0)
        let reading = directory.read(HistoryLookup(of: "c", limits, request), at: 1)
        return (
            reading.position?.description ?? "", reading.isRecovered,
            reading.messages.map { String(decoding: $0.payload, as: UTF8.self) }
        )
    }

    @Test func theyAreKeptUnderTheirNumbersAndDeliveredOnce() throws {
        _ = directory.acquire("c", loop: 1)
        directory.restartHistory(
            of: "c", at: StreamPosition(epoch: "e", offset: 40), keeping: limits, at: 1)
        #expect(read().position == "e:40")
        #expect(try publish("e:41", isPast: true).isEmpty)
        #expect(try publish("e:42") == [1])
        #expect(try publish("e:42").isEmpty, "a repeated message is not delivered")
        #expect(try publish("e:41").isEmpty)
        #expect(read("e:40") == ("e:42", true, ["e:41", "e:42"]))
        for offset in 43...45 { try publish("e:\(offset)") }
        #expect(read("e:42") == ("e:45", true, ["e:43", "e:44", "e:45"]))
        #expect(read("e:41") == ("e:45", false, []))
    }

    @Test(arguments: ["e:9", "f:1", "f:6"])
    func whatIsNotContinuedIsDropped(_ place: String) throws {
        for offset in 1...5 { try publish("e:\(offset)") }
        try publish(place)
        #expect(read() == (place, nil, [place]))
        #expect(read("e:5").isRecovered == false)
    }

    @Test func anotherEpochBeginsAnew() throws {
        for offset in 1...5 { try publish("e:\(offset)") }
        directory.restartHistory(of: "c", at: StreamPosition(epoch: "f", offset: 0), keeping: limits, at: 1)
        #expect(read() == ("f:0", nil, []))
        #expect(read("e:5").isRecovered == false)
        #expect(try publish("f:0").isEmpty, "no message has the number 0")
    }
}
