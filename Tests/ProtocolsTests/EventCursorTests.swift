import Channels
import TestSupport
import Testing

@testable import Protocols

@Suite struct EventCursorTests {
    /// Whatever was put in comes out of the text again; the last place of each channel counts.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func comesBackAsItWas(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var cursor = EventCursor()
        var model: [String: StreamPosition] = [:]
        for _ in 0..<Int.random(in: 0...40, using: &random) {
            let channel = "channel\n\(Int.random(in: 0..<20, using: &random))"
            let epoch = ["", "2v9t0k5wq1ab", "é\n", String(repeating: "x", count: 64)].randomElement(using: &random)!
            let bits = UInt64.random(in: 0..<64, using: &random)
            let position = StreamPosition(epoch: epoch, offset: .random(in: 0...(.max >> bits), using: &random))
            cursor[channel] = position
            model[channel] = position
        }
        let text = cursor.text
        #expect(EventCursor(text) == cursor && text.utf8.count <= EventCursor.maxTextBytes)
        #expect(text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        #expect(cursor.count == model.count && cursor["another"] == nil)
        for (channel, position) in model { #expect(EventCursor(text)?[channel] == position) }
    }

    @Test func thePlaceOfAChannelMovesAndGoes() {
        var cursor = EventCursor()
        cursor["a"] = StreamPosition(epoch: "e", offset: 1)
        cursor["b"] = StreamPosition(epoch: "e", offset: 2)
        cursor["a"] = StreamPosition(epoch: "f", offset: 1)
        #expect(cursor["a"] == StreamPosition(epoch: "f", offset: 1) && cursor.count == 2)
        cursor["a"] = nil
        #expect(cursor["a"] == nil && cursor["b"]?.offset == 2 && cursor.count == 1)
        cursor["b"] = StreamPosition(epoch: String(repeating: "x", count: 65), offset: 3)
        #expect(cursor.count == 0, "an epoch that could not be read again is not kept")
    }

    @Test func hasALimit() {
        var cursor = EventCursor()
        for number in 0..<100 {
            cursor["\(number)"] = StreamPosition(epoch: String(repeating: "x", count: 59), offset: .max)
        }
        #expect(cursor.count == 64 && cursor["99"] == nil)
        #expect(cursor.text.utf8.count > EventCursor.maxTextBytes && EventCursor(cursor.text) == nil)
        for number in 0..<64 {
            cursor["\(number)"] = StreamPosition(epoch: String(repeating: "x", count: 32), offset: .max)
        }
        #expect(EventCursor(cursor.text) == cursor)
    }

    @Test(arguments: [
        "", "1", "e:12", "AA", "AQ==", "AQE=", " AQ", "AQ\n", "🙂",
        "Ag",  // another version
        "AQAA",  // a hash that is cut
        "AQAAAAAAAAABgA",  // a number that is cut
        "AQAAAAAAAAABgAAA",  // a number that is longer than needed
        "AQAAAAAAAAAB____________AgA",  // a number of more than 64 bits
        "AQAAAAAAAAABAAV4",  // an epoch that is cut
        "AQAAAAAAAAABAEF4",  // an epoch that is too long
        "AQAAAAAAAAABAAH_",  // an epoch that is not UTF-8
        "AQAAAAAAAAABAAAAAAAAAAAAAQAA",  // a channel twice
    ]) func whatIsNoCursorIsRefused(text: String) {
        #expect(EventCursor(text) == nil)
    }

    @Test func theEmptyCursorIsOne() {
        #expect(EventCursor("AQ") == EventCursor() && EventCursor().text == "AQ")
    }

    /// Damaged texts are refused, or are the only text of what they say.
    @Test func eachCursorHasOneText() {
        var random = SeededGenerator(seed: 7)
        var cursor = EventCursor()
        for channel in ["a", "b", "c"] { cursor[channel] = StreamPosition(epoch: "epoch", offset: 300) }
        let digits = Array("ABCXYZabcxyz0189-_=+")
        for _ in 0..<5_000 {
            var text = Array(cursor.text)
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<text.count, using: &random)
                let digit = digits.randomElement(using: &random)!
                if Bool.random(using: &random) { text.remove(at: place) } else { text[place] = digit }
            }
            guard let read = EventCursor(String(text)) else { continue }
            #expect(read.text == String(text))
        }
    }
}
