import Bytes
import Testing

@Suite struct JSONObjectWriterTests {
    @Test func anObjectWithoutMembers() {
        #expect(JSONObjectWriter().finish() == Array("{}".utf8))
    }

    @Test func membersComeInOrderAndAreEscaped() {
        var writer = JSONObjectWriter()
        writer.member("a\"b", "c\nd")
        writer.member("n", -7)
        writer.member("raw", raw: Array("[1,2]".utf8))
        #expect(writer.finish() == Array(#"{"a\"b":"c\nd","n":-7,"raw":[1,2]}"#.utf8))
    }
}
