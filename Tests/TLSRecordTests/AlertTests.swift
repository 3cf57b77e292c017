import Testing

@testable import TLSRecord

@Suite struct AlertTests {
    private static let everyOther = (1...UInt8.max).filter { $0 != 90 }

    @Test(arguments: RecordSuite.inUse, [1, 2] as [UInt8])
    func closeNotifyIsTheEnd(suite: RecordSuite, level: UInt8) throws {
        let peer = try Peer(suite)
        try expect(peer.alert(level, 0), suite, then: .closeNotify)
        let more = try Peer(suite)
        let bytes = more.data("a") + more.data("b") + more.alert(level, 0)
        try expect(bytes, suite, gives: "ab", then: .closeNotify)
        // RFC 8446 6.1: everything after it is ignored.
        try expect(bytes + more.data("c"), suite, gives: "ab", then: .closeNotify)
        try expect(bytes + more.alert(2, 40), suite, gives: "ab", then: .closeNotify)
        try expect(bytes + [UInt8](repeating: 0xFF, count: 50), suite, gives: "ab", then: .closeNotify)
    }

    /// RFC 8446 6: the level has no meaning; all alerts except two are errors, including unknown ones.
    @Test(arguments: RecordSuite.ofTLS13, [0, 1, 2, 255] as [UInt8])
    func alertsOfTLS13AreFatal(suite: RecordSuite, level: UInt8) throws {
        for description in AlertTests.everyOther {
            let peer = try Peer(suite)
            let bytes = peer.data("a") + peer.alert(level, description) + peer.data("b")
            let received = try Received([bytes], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.data == Array("a".utf8))
            #expect(received.end == .alert(description))
        }
    }

    /// RFC 8446 6.1: close_notify follows it.
    @Test(arguments: RecordSuite.ofTLS13, [1, 2] as [UInt8])
    func userCanceledIsNoEnd(suite: RecordSuite, level: UInt8) throws {
        let peer = try Peer(suite)
        let bytes = peer.data("a") + peer.alert(level, 90) + peer.data("b") + peer.alert(1, 0)
        try expect(bytes, suite, gives: "ab", then: .closeNotify)
    }

    /// RFC 5246 7.2.2: after a warning the session may continue.
    @Test(arguments: RecordSuite.ofTLS12)
    func warningsOfTLS12AreIgnored(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let warnings = (1...UInt8.max).flatMap { peer.alert(1, $0) }
        let bytes = warnings + peer.data("a") + peer.alert(1, 0)
        let received = try Received([bytes], Secret(suite), role: .server, with: RecordCiphers())
        #expect(received.data == Array("a".utf8))
        #expect(received.end == .closeNotify)
        let other = try Peer(suite)
        try expect(other.data("a") + other.alert(1, 100) + other.data("b"), suite, gives: "ab")
    }

    @Test(arguments: RecordSuite.ofTLS12, [0, 2, 3, 255] as [UInt8])
    func otherAlertsOfTLS12AreFatal(suite: RecordSuite, level: UInt8) throws {
        for description in 1...UInt8.max {
            let peer = try Peer(suite)
            let bytes = peer.data("a") + peer.alert(level, description) + peer.data("b")
            let received = try Received([bytes], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.data == Array("a".utf8))
            #expect(received.end == .alert(description))
        }
    }

    @Test(arguments: RecordSuite.inUse, [[1], [1, 0, 0], [1, 0, 1, 0], [UInt8](repeating: 0, count: 16_384)])
    func alertsHaveTwoBytes(suite: RecordSuite, content: [UInt8]) throws {
        let peer = try Peer(suite)
        try expect(
            peer.data("a") + peer.record(.alert, content), suite, gives: "a", then: .violation(.malformedAlert))
    }
}
