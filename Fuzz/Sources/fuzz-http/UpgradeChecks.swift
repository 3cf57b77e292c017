import FuzzSupport
import HTTP
import WebSocket

@testable import PushServer

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
func checkPolicies(_ head: RequestHead) {
    let isAdmitted = OriginPolicy(allowed: ["https://a.example"]).admits(head)
    expect(isAdmitted || head.value(of: "origin") != nil, "a request without Origin is turned away")
    expect(OriginPolicy(allowed: ["*"]).admits(head), "an origin is turned away though all are allowed")

    let authorization = head.value(of: "authorization")
    let verdict = PublishPolicy(keys: ["k", "key"]).verdict(on: head, isLocal: false)
    switch verdict {
    case .allowed: expect(authorization?.hasSuffix("k") == true || authorization?.hasSuffix("key") == true, "no key")
    case .wrongKey: expect(authorization != nil, "a wrong key where there is none")
    case .keyNeeded: expectEqual(authorization, nil, "a key is needed")
    case .onlyLocal: expect(false, "publishing is only local though there are keys")
    }
}
