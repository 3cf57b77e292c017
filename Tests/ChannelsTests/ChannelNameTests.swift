import Channels
import Testing

@Suite struct ChannelNameTests {
    @Test(
        arguments: [
            (0, false), (1, true), (2, true), (254, true), (255, true), (256, false), (1_000, false),
        ])
    func lengthInBytes(count: Int, isValid: Bool) {
        #expect(ChannelName.isValid(String(repeating: "a", count: count)) == isValid)
    }

    @Test func lengthIsNotInCharacters() {
        #expect(ChannelName.isValid(String(repeating: "é", count: 127) + "a"))
        #expect(!ChannelName.isValid(String(repeating: "é", count: 128)))
        #expect(ChannelName.isValid(String(repeating: "😀", count: 63)))
        #expect(!ChannelName.isValid(String(repeating: "😀", count: 64)))
    }

    /// Unicode's own property is the reference: exactly the characters of Cc are refused, at any position.
    @Test func exactlyTheControlCharactersAreRefused() {
        for scalar in (UInt32.min...0x2FFF).compactMap(Unicode.Scalar.init) {
            let isControl = scalar.properties.generalCategory == .control
            let character = String(Character(scalar))
            for name in [character, "a" + character, character + "b", "é" + character + "Â"]
            where ChannelName.isValid(name) == isControl {
                Issue.record("U+\(String(scalar.value, radix: 16)) in \(name.debugDescription)")
            }
        }
    }

    @Test(
        arguments: [
            ("news", true), ("a b", true), (" ", true), ("чат", true), ("😀", true), ("a\"\\/b", true), ("\u{A0}", true),
            ("\u{0}", false), ("a\nb", false), ("\u{1F}", false), ("\u{7F}", false), ("\u{80}", false),
            ("\u{85}", false), ("\u{9F}", false), ("a\u{85}", false), ("\u{2028}", true), ("\u{200B}", true),
        ])
    func examples(name: String, isValid: Bool) {
        #expect(ChannelName.isValid(name) == isValid)
        #expect((ChannelName.problem(with: name) == nil) == isValid)
    }

    @Test(
        arguments: [
            ("", "is empty"), ("a\u{85}", "has a control character in it, such as a line break"),
            (String(repeating: "é", count: 128), "has 256 bytes, 255 are allowed"),
        ])
    func whatIsWrongIsTold(name: String, problem: String) {
        #expect(ChannelName.problem(with: name) == problem)
    }
}
