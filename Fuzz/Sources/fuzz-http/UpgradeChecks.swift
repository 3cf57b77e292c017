import Access
import FuzzSupport
import HTTP
import WebSocket

/// An accepted request is answered with a 101 that no part of the request can break.
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

/// For every header, connecting and publishing are either allowed or denied.
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

/// The client is the last address in X-Forwarded-For that is not a trusted proxy's, unless Forwarded contradicts it.
func checkForwarding(_ head: RequestHead) {
    let range = expectSome(try? AddressRange(parsing: "10.0.0.0/8"), "a range")
    let (proxies, proxy) = (TrustedProxies([.range(range)]), expectSome(IPAddress("10.0.0.1"), "an address"))
    let client = proxies.client(of: head, behind: proxy)
    if !head.hasField(of: ["forwarded", "x-forwarded-for"]) { expectEqual(client.address, proxy, "nobody's address") }
    var expected = proxy
    for node in head.values(of: "x-forwarded-for").joined(separator: ",").split(separator: ",").reversed() {
        guard expected.description.hasPrefix("10."), let next = naiveAddress(String(node)) else { break }
        expected = next
    }
    let isAlone = head.listValues(of: "forwarded").isEmpty
    expect(client.address == expected || !isAlone, "\(client) instead of \(expected)")
    let nodes = head.values(of: "x-forwarded-for").contains { $0.contains { $0 != "," } }
    if !isAlone, nodes { expect(client.address == expected || client.address == proxy, "two headers, and \(client)") }
}

/// Parses an address with or without a port by trying both.
private func naiveAddress(_ text: String) -> IPAddress? {
    let text = String(text.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    if let address = IPAddress(text) { return address }
    var (host, port) = (text, "0")
    if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
        host = String(text[..<colon])
        port = String(text[text.index(after: colon)...])
    }
    guard !port.isEmpty, port.hasPrefix("_") || port.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
    if host.hasPrefix("["), host.hasSuffix("]") {
        let inner = String(host.dropFirst().dropLast())
        return inner.contains(":") ? IPAddress(inner) : nil
    }
    return host.contains(":") ? nil : IPAddress(host)
}
