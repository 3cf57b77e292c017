import HTTP
import Testing

struct CodingTests {
    @Test(arguments: [
        ("gzip", true), ("gzip, deflate, br", true), ("br;q=1.0, GZIP;q=0.8, *;q=0.1", true), ("x-gzip", true),
        ("gzip;q=0.001", true), ("deflate,\tgzip ; q=1", true), ("gzip;level=9", true),
        ("gzip;q=0", false), ("gzip; Q=0.000", false), ("gzip;q=0, br", false), ("", false), ("identity", false),
        ("deflate, br, zstd", false), ("*", false), ("gzip2", false),
    ])
    func `whether a client takes gzip`(codings: String, accepted: Bool) throws {
        let head = try request("GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: \(codings)\r\n\r\n").head
        #expect(head.acceptsGzip == accepted)
    }

    @Test func `several fields are one list`() throws {
        let fields = "Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n"
        #expect(try request("GET / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n").head.acceptsGzip)
        #expect(try !request("GET / HTTP/1.1\r\nHost: h\r\n\r\n").head.acceptsGzip)
    }
}
