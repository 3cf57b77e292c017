import Bytes
import Testing

private func encoded(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    Base64.encode(bytes.rawSpan, to: &text)
    return String(decoding: text, as: UTF8.self)
}

private func decodedByteCount(_ text: String) -> Int? {
    Base64.decodedByteCount(Array(text.utf8).rawSpan)
}

/// The definition, bit by bit, without groups of three.
private func naivelyEncoded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var bits = bytes.flatMap { byte in (0..<8).map { byte >> (7 - $0) & 1 } }
    while bits.count % 6 != 0 { bits.append(0) }
    var text = ""
    for start in stride(from: 0, to: bits.count, by: 6) {
        text.append(alphabet[bits[start..<start + 6].reduce(0) { $0 * 2 + Int($1) }])
    }
    while text.count % 4 != 0 { text.append("=") }
    return text
}

@Suite struct Base64Tests {
    // RFC 4648 section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func examplesOfTheRFC(plain: String, text: String) {
        #expect(encoded(Array(plain.utf8)) == text)
        #expect(decodedByteCount(text) == plain.utf8.count)
    }

    @Test func encodesLikeTheDefinition() {
        for count in 0...66 {
            for seed in [1, 7, 91, 255] {
                let bytes = (0..<count).map { UInt8(truncatingIfNeeded: ($0 + 3) * seed * 37) }
                #expect(encoded(bytes) == naivelyEncoded(bytes))
                #expect(decodedByteCount(encoded(bytes)) == count)
            }
        }
        for byte in UInt8.min...UInt8.max {
            #expect(encoded([byte, ~byte, byte]) == naivelyEncoded([byte, ~byte, byte]))
        }
    }

    @Test func appendsToWhatIsThere() {
        var text = Array("key: ".utf8)
        Base64.encode([0xFB, 0xFF].rawSpan, to: &text)
        #expect(String(decoding: text, as: UTF8.self) == "key: +/8=")
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zm8", "====", "Z===", "Zg=a", "Z=g=", "=Zg=", "Zg==Zg==", "Zm9v=", "Zm 9", "Zm9-", "Zm9_",
        "Zm9\u{0}", "Zm9é", "Zg==\n",
    ])
    func refusesWhatIsNotBase64(text: String) {
        #expect(decodedByteCount(text) == nil)
    }

    @Test(arguments: [("Zh==", 1), ("Zv==", 1), ("Zm9=", 2)])
    func takesUnusedBitsAsTheyAre(text: String, count: Int) {
        #expect(decodedByteCount(text) == count)
    }

    @Test func acceptsExactlyTheAlphabet() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for byte in UInt8.min...UInt8.max {
            let text: [UInt8] = [0x41, byte, 0x41, 0x41]
            let count = Base64.decodedByteCount(text.rawSpan)
            #expect((count == 3) == alphabet.contains(byte))
        }
    }
}
