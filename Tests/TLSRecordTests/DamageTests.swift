import Testing

@testable import TLSRecord

/// Records that the peer did not send in this form or at this place.
@Suite struct DamageTests {
    @Test(arguments: RecordSuite.inUse)
    func everyFlippedBitIsFound(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let (good, record, next) = (peer.data("good"), peer.data("hello"), peer.data("next"))
        for bit in 0..<8 * record.count {
            var damaged = record
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            let received = try Received(
                [good + damaged + next], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.data == Array("good".utf8), "bit \(bit)")
            switch bit / 8 {
            // With a length that is too large, the error may come only after the record's end.
            case 3, 4:
                let ends = [nil, .violation(.badRecordMAC), .violation(.recordOverflow)] as [RecordReader.End?]
                #expect(ends.contains(received.end), "bit \(bit)")
            case 0:
                #expect(received.end == .violation(verdict(onType: damaged[0], suite)), "bit \(bit)")
            default: #expect(received.end == .violation(.badRecordMAC), "bit \(bit)")
            }
        }
    }

    /// The same for the other types: with TLS 1.2 the type is visible.
    @Test(arguments: RecordSuite.ofTLS12)
    func noTypeBecomesAnother(suite: RecordSuite) throws {
        for type in [21, 22, 23] as [UInt8] {
            for other in UInt8.min...UInt8.max where other != type {
                var record = try Peer(suite).record(anyType: type, [1, 0])
                record[0] = other
                let received = try Received([record], Secret(suite), role: .server, with: RecordCiphers())
                #expect(received.data == [] && received.end == .violation(verdict(onType: other, suite)))
            }
        }
    }

    /// An unknown type is refused before the record is opened, because its length has no meaning.
    private func verdict(onType type: UInt8, _ suite: RecordSuite) -> RecordViolation {
        suite.version == .tls12 && (20...23).contains(type) ? .badRecordMAC : .unexpectedMessage
    }

    @Test(arguments: RecordSuite.inUse)
    func everyShorterRecordIsRefused(suite: RecordSuite) throws {
        let record = try Peer(suite).data("hello")
        for count in 0..<record.count - 5 {
            let shorter = [record[0], 3, 3, 0, UInt8(count)] + record[5..<5 + count]
            try expect(shorter, suite, then: .violation(.badRecordMAC))
        }
        let longer = Array(record[..<4]) + [record[4] + 1] + record[5...] + [0]
        try expect(longer, suite, then: .violation(.badRecordMAC))
    }

    @Test(arguments: RecordSuite.inUse)
    func everyRecordHasItsPlace(suite: RecordSuite) throws {
        let peer = try Peer(suite)
        let (a, b, c) = (peer.data("a"), peer.data("b"), peer.data("c"))
        try expect(a + b + c, suite, gives: "abc")
        // Replayed, dropped, swapped.
        try expect(a + a, suite, gives: "a", then: .violation(.badRecordMAC))
        try expect(a + b + a, suite, gives: "ab", then: .violation(.badRecordMAC))
        try expect(b, suite, then: .violation(.badRecordMAC))
        try expect(a + c, suite, gives: "a", then: .violation(.badRecordMAC))
        try expect(a + c + b, suite, gives: "a", then: .violation(.badRecordMAC))
    }

    @Test(arguments: RecordSuite.inUse)
    func otherSessionsRecordsAreRefused(suite: RecordSuite) throws {
        let stranger = try Peer(Secret(suite, [UInt8](repeating: 9, count: 48)))
        try expect(stranger.data("hello"), suite, then: .violation(.badRecordMAC))
        for other in RecordSuite.inUse where other != suite {
            let received = try Received(
                [try Peer(other).data("hello")], Secret(suite), role: .server, with: RecordCiphers())
            #expect(received.data == [] && received.end == .violation(.badRecordMAC))
        }
    }

    /// The contexts belong to the loop: one session's bad record must not affect the next session.
    @Test(arguments: RecordSuite.inUse)
    func aBadRecordHarmsItsSessionOnly(suite: RecordSuite) throws {
        let ciphers = RecordCiphers()
        let record = try Peer(suite).data("hello")
        let damaged = Array(record.dropLast()) + [record[record.count - 1] ^ 1]
        for _ in 0..<3 {
            let bad = try Received([damaged], Secret(suite), role: .server, with: ciphers)
            #expect(bad.end == .violation(.badRecordMAC))
            let good = try Received([record], Secret(suite), role: .server, with: ciphers)
            #expect(good.data == Array("hello".utf8) && good.end == nil)
        }
    }
}
