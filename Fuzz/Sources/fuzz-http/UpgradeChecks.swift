import Access
import FuzzSupport
import HTTP
import WebSocket

/// A request that is accepted is answered with a 101 that nothing of the request can break out of.
func checkHandshake(_ head: RequestHead) {
    let subprotocol = "pushd.v1"
    do throws(HandshakeViolation) {
        let acceptance = try Handshake.accept(head, subprotocols: [subprotocol])
        var bytes: [UInt8] = []
        acceptance.encode(into: &bytes)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        expectEqual(lines.first, "HTTP/1.1 101 Switching Protocols", "the answer")
        let isAgreed = head.listValues(of: "sec-websocket-protocol").contains(subprotocol)
        expectEqual(acceptance.subprotocol, isAgreed ? subprotocol : nil, "the subprotocol")
        expectEqual(lines.count, isAgreed ? 7 : 6, "lines of the answer")
        expect(lines.suffix(2).allSatisfy(\.isEmpty), "the answer's end")
    } catch {
        expect(error.status.rawValue >= 400, "a refusal with status \(error.status)")
    }
}

/// Who may connect and publish is decided for any header.
func checkAccess(_ head: RequestHead) {
    let open = AccessRules(allowedOrigins: [.all], publishKeys: [])
    expectEqual(open.denial(of: head, from: [], for: .connect), nil, "all origins are allowed")
    expect(open.denial(of: head, from: [], for: .publish) != nil, "publishing without a key from another machine")
    let page = expectSome(OriginPattern("https://a.example"), "a pattern")
    let locked = AccessRules(allowedOrigins: [page], publishKeys: ["k"])
    if head.value(of: "origin") == nil {
        expectEqual(locked.denial(of: head, from: [], for: .connect), nil, "a request without Origin is turned away")
    }
    let isKeyless = head.value(of: "authorization")?.hasSuffix("k") != true
    for peer in [[], .loopback, .unixSocket] as [Peer] where isKeyless {
        expect(locked.denial(of: head, from: peer, for: .publish) != nil, "published without the key")
    }
}
