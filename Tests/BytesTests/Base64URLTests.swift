import Bytes
import Testing

@Suite("Base64 for URLs") struct Base64URLTests {
    @Test(
        "encodes and decodes",
        arguments: [
            ([], ""), ([0], "AA"), ([0xFF], "_w"), ([0xFB, 0xFF], "-_8"), ([1, 2, 3], "AQID"),
            (Array("hello".utf8), "aGVsbG8"),
        ] as [([UInt8], String)])
    func examples(bytes: [UInt8], text: String) {
        #expect(Base64URL.encode(bytes.rawSpan) == text)
        #expect(Base64URL.decode(Array(text.utf8).rawSpan) == bytes)
    }

    @Test("all lengths come back") func lengths() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64URL.decode(Array(Base64URL.encode(bytes.rawSpan).utf8).rawSpan) == bytes)
        }
    }

    @Test(
        "refuses padding, other alphabets, white space and unused bits",
        arguments: ["A", "AA==", "AA=", "A+", "A/", "A A", "AA\n", "AB", "AAB", "AAAAA", "é"])
    func refuses(text: String) {
        #expect(Base64URL.decode(Array(text.utf8).rawSpan) == nil)
    }
}
