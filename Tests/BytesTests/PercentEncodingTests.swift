import Bytes
import Testing

@Suite struct PercentEncodingTests {
    @Test func allButUnreservedCharactersAreEncoded() {
        #expect(PercentEncoding.encode("aZ09-._~") == "aZ09-._~")
        #expect(PercentEncoding.encode("a b&c=d%\u{1}ü") == "a%20b%26c%3Dd%25%01%C3%BC")
    }

    @Test func everyByteIsDecodedInBothCases() {
        for byte in UInt8.min...UInt8.max {
            let digits = String(byte, radix: 16)
            let escape = "%" + (byte < 16 ? "0" : "") + digits
            #expect(PercentEncoding.decode(Array("a\(escape)b".utf8)[...]) == [97, byte, 98])
            #expect(PercentEncoding.decode(Array(escape.uppercased().utf8)[...]) == [byte])
        }
    }

    @Test func aPlusIsASpaceOnlyInForms() {
        let bytes = Array("a+b%2B".utf8)[...]
        #expect(PercentEncoding.decode(bytes) == Array("a+b+".utf8))
        #expect(PercentEncoding.decode(bytes, plusIsSpace: true) == Array("a b+".utf8))
    }

    @Test(arguments: ["%", "%4", "a%", "a%4", "%zz", "%4z", "%%41", "% 41", "%+1"])
    func anIncompleteEscapeIsRefused(text: String) {
        #expect(PercentEncoding.decode(Array(text.utf8)[...]) == nil)
        #expect(PercentEncoding.decode(Array("xx\(text)".utf8).dropFirst(2)) == nil, "a slice")
    }
}
