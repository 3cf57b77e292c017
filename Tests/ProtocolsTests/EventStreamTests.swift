import Access
import Bytes
import Channels
import TestSupport
import Testing

@testable import Protocols

@Suite struct EventStreamTests {
    private func encoded(_ stream: EventStream, _ payload: [UInt8], channel: String = "c") -> [UInt8] {
        var text = [UInt8(ascii: "!")]
        stream.encoder.encode(Message(channel: channel, payload: payload, receivedNanoseconds: 7), into: &text)
        #expect(text.first == UInt8(ascii: "!"), "what was there before stays")
        return Array(text.dropFirst())
    }

    private func encoded(_ stream: EventStream, _ payload: String) -> String {
        string(encoded(stream, Array(payload.utf8)))
    }

    @Test(arguments: [
        ("", "data: \n\n"), ("hello", "data: hello\n\n"), (" a:b ", "data:  a:b \n\n"), ("\n", "data: \ndata: \n\n"),
        ("a\nb", "data: a\ndata: b\n\n"), ("a\r\nb\r", "data: a\ndata: b\ndata: \n\n"),
        ("\r\r\n\n", "data: \ndata: \ndata: \ndata: \n\n"), ("чат 😀", "data: чат 😀\n\n"),
        ("x\nevent: close\nid: 7\n\nretry: 1", "data: x\ndata: event: close\ndata: id: 7\ndata: \ndata: retry: 1\n\n"),
    ])
    func aPayloadIsTheTextOfAnEvent(payload: String, event: String) {
        #expect(encoded(.payloads, payload) == event)
    }

    @Test(arguments: [
        ("1", #"data: {"channel":"c","data":1}"#), ("a\nb", #"data: {"channel":"c","data":"a\nb"}"#),
        ("{\n\"a\": 1}", "data: {\"channel\":\"c\",\"data\":{\ndata: \"a\": 1}}"),
    ])
    func anEnvelopeIsAnEventToo(payload: String, lines: String) {
        #expect(encoded(.envelopes, payload) == lines + "\n\n")
    }

    @Test(arguments: EventStream.allCases) func bytesThatAreNoTextTravelInAnEnvelope(stream: EventStream) {
        let event = string(encoded(stream, [0xFF, 0x0A]))
        #expect(event == "data: {\"channel\":\"c\",\"data_base64\":\"/wo=\"}\n\n")
    }

    @Test(arguments: EventStream.allCases) func messagesOfAHistoryHaveAnID(stream: EventStream) {
        var cursor = EventCursor()
        cursor["c"] = StreamPosition(epoch: "e", offset: 7)
        let message = Message(
            channel: "c", payload: Array("1".utf8), position: StreamPosition(epoch: "e", offset: 7),
            receivedNanoseconds: 0)
        var text: [UInt8] = []
        stream.encoder.encode(message, into: &text)
        let data = stream == .payloads ? "data: 1\n\n" : "data: {\"channel\":\"c\",\"offset\":7,\"data\":1}\n\n"
        #expect(string(text) == (stream.hasOneChannel ? "id: \(cursor.text)\n" : "") + data)
        #expect(stream.encoder.isPrefixed == (stream == .numbered))
    }

    @Test func numbersOfSeveralChannels() {
        var cursor = EventCursor()
        cursor["a"] = StreamPosition(epoch: "e", offset: 1)
        cursor["b"] = StreamPosition(epoch: "f", offset: 2)
        let numbers = EventNumbers(from: cursor)
        for (channel, offset) in [("b", 3), ("a", 2), ("b", 4)] as [(String, UInt64)] {
            cursor[channel] = StreamPosition(epoch: "e", offset: offset)
            var text: [UInt8] = []
            numbers.append(
                before: Message(channel: channel, payload: [], position: cursor[channel], receivedNanoseconds: 0),
                to: &text)
            #expect(string(text) == "id: \(cursor.text)\n")
        }
        var text: [UInt8] = []
        numbers.append(before: Message(channel: "other", payload: [], receivedNanoseconds: 0), to: &text)
        #expect(text.isEmpty, "its channel has no history")
    }

    @Test func aStartIsNoEventAndAGapIsOne() {
        var cursor = EventCursor()
        cursor["c"] = StreamPosition(epoch: "e", offset: 1)
        var parser = StandardParser()
        parser.read(EventStream.start(at: cursor))
        #expect(parser.events.isEmpty)
        #expect(string(EventStream.start(at: cursor)) == "id: \(cursor.text)\n\n")
        let report = HistoryReport(position: cursor["c"], isRecovered: false)
        #expect(
            string(EventStream.gap(in: "c", report))
                == "event: gap\ndata: {\"event\":\"gap\",\"channel\":\"c\",\"recovered\":false,\"epoch\":\"e\",\"offset\":1}\n\n"
        )
    }

    @Test func noticesHaveATypeOfTheirOwn() {
        var text: [UInt8] = []
        #expect(EventStream.payloads.encoder.encode(.missed(count: 7), of: "a\nb", into: &text))
        #expect(string(text) == "event: missed\ndata: {\"event\":\"missed\",\"channel\":\"a\\nb\",\"count\":7}\n\n")
        text = []
        #expect(EventStream.envelopes.encoder.encode(.gap(seconds: 1), of: "c", into: &text))
        #expect(string(text) == "event: gap\ndata: {\"event\":\"gap\",\"channel\":\"c\",\"seconds\":1.0}\n\n")
    }

    @Test func whatHappensToTheConnectionHasATypeToo() {
        #expect(
            string(EventStream.text(for: .expiring(seconds: 30)))
                == "event: expiring\ndata: {\"event\":\"expiring\",\"in_s\":30}\n\n")
        #expect(
            string(EventStream.close(code: 1013, reason: "too slow"))
                == "event: close\ndata: {\"event\":\"close\",\"code\":1013,\"reason\":\"too slow\"}\n\n")
        #expect(
            string(EventStream.text(for: .unsubscribed(channel: "c", .notGranted))).hasPrefix("event: unsubscribed\n"))
    }

    @Test func aCommentAndTheTimeToComeBackAreNoEvents() {
        var parser = StandardParser()
        parser.read(EventStream.comment + EventStream.retry(afterMilliseconds: 2500) + EventStream.comment)
        #expect(parser.events.isEmpty && parser.retry == 2500)
    }

    /// Payloads of all kinds: written as a naive encoder writes them, and read as the HTML standard says.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func aClientGetsTheTextBack(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = [
            "\n", "\r", "\r\n", ":", " ", "data", "event: x", "id: 1", "\u{0}", "\u{FEFF}", "é", "😀", "plain text",
        ]
        var parser = StandardParser()
        var stream = EventStream.retry(afterMilliseconds: 1000)
        var expected: [StandardParser.Event] = []
        for _ in 0..<300 {
            let payload = (0..<Int.random(in: 0...7, using: &random)).map { _ in
                parts.randomElement(using: &random) ?? ""
            }.joined()
            let event = encoded(.payloads, Array(payload.utf8))
            #expect(string(event) == naiveEvent(payload))
            stream += event
            if Int.random(in: 0..<4, using: &random) == 0 { stream += EventStream.comment }
            expected.append(.init(type: "message", data: withLineFeeds(payload)))
        }
        parser.read(stream)
        #expect(parser.events == expected)
    }
}

/// A line break of any kind is a line feed.
private func withLineFeeds(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    var last: Unicode.Scalar?
    for scalar in text.unicodeScalars {
        if scalar == "\r" || (scalar == "\n" && last != "\r") { scalars.append("\n") }
        if scalar != "\r", scalar != "\n" { scalars.append(scalar) }
        last = scalar
    }
    return String(scalars)
}

private func naiveEvent(_ text: String) -> String {
    let lines = withLineFeeds(text).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.map { "data: \(String($0))\n" }.joined() + "\n"
}

/// The interpretation of an event stream, step by step as in the HTML standard, section 9.2.6.
private struct StandardParser {
    struct Event: Equatable {
        let type: String
        let data: String

        /// By the bytes: Swift's strings are equal in different forms.
        static func == (one: Event, other: Event) -> Bool {
            one.type == other.type && one.data.utf8.elementsEqual(other.data.utf8)
        }
    }

    var events: [Event] = []
    var retry: Int?
    private var data = ""
    private var type = ""

    mutating func read(_ stream: [UInt8]) {
        var text = Array(String(decoding: stream, as: UTF8.self).unicodeScalars)
        if text.first == "\u{FEFF}" { text.removeFirst() }
        var line = String.UnicodeScalarView()
        var index = 0
        while index < text.count {
            if text[index] == "\r" || text[index] == "\n" {
                if text[index] == "\r", index + 1 < text.count, text[index + 1] == "\n" { index += 1 }
                process(String(line))
                line = String.UnicodeScalarView()
            } else {
                line.append(text[index])
            }
            index += 1
        }
    }

    private mutating func process(_ line: String) {
        let scalars = line.unicodeScalars
        guard !scalars.isEmpty else { return dispatch() }
        guard let colon = scalars.firstIndex(of: ":") else { return process(field: line, value: "") }
        guard colon != scalars.startIndex else { return }
        var value = scalars[scalars.index(after: colon)...]
        if value.first == " " { value.removeFirst() }
        process(field: String(scalars[..<colon]), value: String(value))
    }

    private mutating func process(field: String, value: String) {
        switch field {
        case "event": type = value
        case "data":
            data.unicodeScalars.append(contentsOf: value.unicodeScalars)
            data.unicodeScalars.append("\n")
        case "retry": retry = Int(value) ?? retry
        default: break
        }
    }

    private mutating func dispatch() {
        defer { (data, type) = ("", "") }
        guard !data.isEmpty else { return }
        data.unicodeScalars.removeLast()
        events.append(Event(type: type.isEmpty ? "message" : type, data: data))
    }
}
