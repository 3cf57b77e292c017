import Bytes
import HTTP
import Testing

@Suite struct PathPrefixTests {
    private func head(_ target: String) throws -> RequestHead {
        let bytes = Array("GET \(target) HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
        var parser = RequestParser()
        var offset = 0
        guard case .request(let request) = try parser.next(bytes.rawSpan, from: &offset) else { throw NoRequest() }
        return request.head
    }

    private struct NoRequest: Error {}

    @Test(arguments: [
        ("/push", "/push", "push/"), ("/push/", "/push", "push/"), ("/a/b.c-d_e~1", "/a/b.c-d_e~1", "b.c-d_e~1/"),
    ])
    func reads(text: String, description: String, directory: String) {
        #expect(PathPrefix(text)?.description == description)
        #expect(PathPrefix(text)?.directory == directory)
    }

    @Test(arguments: [
        "", "/", "//", "push", "push/", "//push", "/push//", "/a//b", "/.", "/a/..", "/a b", "/a?b", "/a%2Fb", "/é",
        "/a#", "/a\n",
    ])
    func refuses(text: String) {
        #expect(PathPrefix(text) == nil)
    }

    @Test(arguments: [
        ("/push/ws?channel=a", "/ws"), ("/push/", "/"), ("/push", "/"), ("/push?a", "/"), ("/push//ws", "//ws"),
        ("/push/push/ws", "/push/ws"), ("http://other/push/health", "/health"),
    ])
    func whatIsBelow(target: String, path: String) throws {
        let prefix = try #require(PathPrefix("/push"))
        let before = try head(target)
        let after = try #require(before.below(prefix))
        #expect(after.path == path)
        #expect(after.query == before.query && after.target == before.target && after.host == before.host)
        #expect(after.hasEmptyPath == (path == "/" && !target.contains("/push/")))
    }

    @Test(arguments: ["/", "/ws", "/pushd/ws", "/pus", "/PUSH/ws", "/a/push/ws", "/%70ush/ws", "http://push"])
    func whatIsNot(target: String) throws {
        let prefix = try #require(PathPrefix("/push"))
        #expect(try head(target).below(prefix) == nil)
    }
}
