import Bytes
import Testing

private func isValid(_ bytes: [UInt8]) -> Bool {
    JSON.isValid(bytes.rawSpan)
}

private func isValid(_ text: String) -> Bool {
    isValid(Array(text.utf8))
}

@Suite("JSON validity")
struct JSONValidityTests {
    @Test(
        "accepts every form of the grammar",
        arguments: [
            "null", "true", "false", " true ", "\t\n\r null\r\n\t ",
            "0", "-0", "7", "-7", "10", "1234567890123456789012345678901234567890", "0.5", "-0.5", "1.25", "10.0",
            "0e0", "1e5", "1E5", "1e+5", "1E-5", "1.5e300", "-1.5E+3", "0e+1", "1e00", "0.00",
            #""""#, #""a""#, #""hello, world""#, #"" ""#, "\"\u{7F}\"", #""/""#, #"" \u0020 ""#,
            #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9""#, #""\uABCD\uabcd""#, #""\uD83D\uDE00""#,
            #""\uD800""#, #""\uDC00""#, #""\uD800\uD800""#, #""\uDC00\uD800""#, #""\uD800x""#, #""\\u00""#,
            #""é""#, #""€""#, #""😀""#, "\"\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFF}\u{10000}\u{10FFFF}\"",
            "\"\u{FEFF}\"", "\"\u{2028}\u{2029}\"", "\"\u{FFFE}\u{E000}\"",
            "[]", "[ ]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]", "[[[]],[[]]]", "[{}]", "[null,1,\"1\",{}]",
            "{}", "{ }", #"{"a":1}"#, #"{ "a" : 1 }"#, #"{"a":1,"b":2}"#, #"{"a":1,"a":2}"#, #"{"":0}"#,
            #"{"\u0061":0}"#,
            #"{"a":{"b":[{"c":{}}]}}"#, #"{"a":[],"b":{}}"#, #"[{"a":[1,{"b":2}]},3]"#, "\n[\n1\n,\n2\n]\n",
            #"{"action":"subscribe","channel":"c","replace":true,"id":7}"#,
        ])
    func accepts(text: String) {
        #expect(isValid(text))
    }

    @Test(
        "refuses literals and texts that are not quite JSON",
        arguments: [
            "", " ", "\n", "nul", "nulll", "NULL", "True", "tru", "falsE", "truefalse", "undefined", "NaN", "Infinity",
            "-Infinity", "hello", "'a'", "// c\n1", "1 // c", "/* */ 1", "1 1", "1,", ",1", "[] []", "{}{}",
            "null null",
            "\u{FEFF}1", "\u{A0}1", "\u{0B}1", "\u{0C}1", "1\u{0}", "\u{0}", "#", "&", "\\", "\\u0061", "*", ":",
            "true\u{85}",
        ])
    func refusesOtherTexts(text: String) {
        #expect(!isValid(text))
    }

    @Test(
        "refuses numbers outside the grammar",
        arguments: [
            "+1", "-", "--1", "+", ".5", "-.5", "5.", "5.e1", "01", "-01", "00", "-00", "0x1", "0b1", "1e", "1e+",
            "1e-",
            "1E", "1e1.5", "1.5.5", "1e5e5", "1_000", "1,000", "1 000", "1a", "0a", "- 1", "1 .5", "1. 5", "1e 5", "१",
            "１", "1.e",
            "0.", "0.e1", "e5", ".", "1f", "Inf", "-nan", "[01]", "[1.]", "[-]", "[1e]", "[+1]", "[.1]", "{\"a\":01}",
            "1-2", "1+2",
        ])
    func refusesNumbers(text: String) {
        #expect(!isValid(text))
    }

    @Test(
        "refuses broken strings",
        arguments: [
            "\"", "\"a", "a\"", "\"\"\"", "\"a\"b", #""\""#, #""\a""#, #""\x41""#, #""\'""#, #""\0""#, #""\U0041""#,
            #""\u""#, #""\u0""#, #""\u00""#, #""\u004""#, #""\u004g""#, #""\u 041""#, #""\u-041""#, #""\uD800\u""#,
            #""\uD83D\uDE0""#,
            #""\é""#, "\"\n\"", "\"\t\"", "\"\r\"", "\"\u{0}\"", "\"\u{1F}\"", "\"abcdefgh\n\"", "\"\\\n\"", "\"\\",
        ])
    func refusesStrings(text: String) {
        #expect(!isValid(text))
    }

    @Test(
        "refuses broken arrays and objects",
        arguments: [
            "[", "]", "[1", "[1,", "[,", "[,1]", "[1,]", "[1,,2]", "[1 2]", "[1;2]", "[1}", "[1:2]", "[\"a\":1]", "[[]",
            "[]]", "[[1]", "[(]",
            "[][", "[\"\"", "{", "}", "{]", "[}", "{1}", "{1:1}", "{a:1}", "{'a':1}", "{\"a\"}", "{\"a\":}",
            "{\"a\" 1}", "{\"a\":1",
            "{\"a\":1,", "{\"a\":1,}", "{,}", "{,\"a\":1}", "{\"a\":1 \"b\":2}", "{\"a\":1,,\"b\":2}", "{\"a\"::1}",
            "{\"a\":1:2}", "{\"a\",1}",
            "{\"a\":1]", "{null:1}", "{[]:1}", "{\"a\":{}", "{\"a\":[}", "[{\"a\":1]}", "{\"a\":1}}", "{\"a\":,}",
            "{:1}", "{\"a\":1,2}",
        ])
    func refusesContainers(text: String) {
        #expect(!isValid(text))
    }

    @Test(
        "refuses strings that are not UTF-8",
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xC2, 0xC2], [0xE0, 0x9F, 0xBF],
            [0xE0, 0x80, 0x80],
            [0xE1, 0x80], [0xE1, 0x80, 0x20], [0xE1, 0x20, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF],
            [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80], [0xF0, 0x90, 0x80, 0x20],
            [0xF1, 0x80, 0xC0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func refusesInvalidUTF8(sequence: [UInt8]) {
        let quote: [UInt8] = [0x22]
        #expect(!isValid(quote + sequence + quote))
        #expect(!isValid(quote + sequence))
        #expect(!isValid(sequence))
        #expect(!isValid(quote + Array("é and plain text ".utf8) + sequence + Array(" more plain text".utf8) + quote))
    }

    @Test("nesting is accepted to 128 levels and refused past them")
    func depth() {
        func nested(_ depth: Int, _ open: String, _ inner: String, _ close: String) -> String {
            String(repeating: open, count: depth) + inner + String(repeating: close, count: depth)
        }
        for (open, inner, close) in [("[", "", "]"), ("[1,", "2", "]"), ("{\"a\":", "1", "}"), (" [ ", "{", " } ] ")] {
            let levels = inner == "{" ? 127 : 128
            let core = inner == "{" ? "{}" : inner
            let ends = inner == "{" ? " ] " : close
            #expect(isValid(nested(levels, open, core, ends)))
            #expect(!isValid(nested(levels + 1, open, core, ends)))
        }
        let sideBySide = Array(repeating: nested(127, "[", "", "]"), count: 5).joined(separator: ",")
        #expect(isValid("[\(sideBySide)]"), "leaving a container makes room for another")
        #expect(!isValid(String(repeating: "[", count: 1_000_000)))
    }

    @Test("array and object are told apart at every level", arguments: [1, 2, 63, 64, 65, 127])
    func mixedNesting(depth: Int) {
        let opens = (0..<depth).map { $0 % 3 == 0 ? "[" : "{\"k\":" }
        let closes = (0..<depth).reversed().map { $0 % 3 == 0 ? "]" : "}" }
        let text = opens.joined() + "0" + closes.joined()
        #expect(isValid(text))
        for level in 0..<depth {
            var swapped = closes
            swapped[level] = swapped[level] == "]" ? "}" : "]"
            #expect(!isValid(opens.joined() + "0" + swapped.joined()))
        }
    }

    @Test("no proper prefix of a document is valid, unless it ends outside the value")
    func prefixes() {
        let document = Array(
            #"{"a":[1,-2.5e+10,true,false,null,"x\u00e9\n€😀 and a longer run"],"b":{"c":{},"d":[]}}"#.utf8)
        #expect(isValid(document))
        for length in 0..<document.count {
            #expect(!isValid(Array(document[..<length])), "prefix of \(length) bytes")
        }
    }

    @Test("a special byte is found at every position of a run, from every alignment")
    func runs() {
        let specials: [(bytes: [UInt8], valid: Bool)] = [
            ([0x1F], false), ([0x00], false), ([0x22], false), ([0x5C], false), ([0xFF], false), ([0x80], false),
            ([0x20], true), ([0x21], true), ([0x23], true), ([0x5B], true), ([0x5D], true), ([0x7F], true),
            ([0x5C, 0x22], true), ([0x5C, 0x5C], true), ([0xC3, 0xA9], true), ([0xF0, 0x9F, 0x98, 0x80], true),
        ]
        for (special, valid) in specials {
            for padding in 0..<8 {
                for position in 0..<28 {
                    let before = [UInt8](repeating: 0x20, count: padding) + [0x22]
                    let run = [UInt8](repeating: 0x61, count: position) + special
                    let text = before + run + [UInt8](repeating: 0x7A, count: 27 - position) + [0x22]
                    #expect(isValid(text) == valid, "\(special) at \(position) after \(padding)")
                }
            }
        }
    }
}
