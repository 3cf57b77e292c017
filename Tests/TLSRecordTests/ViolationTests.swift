import Testing

@testable import TLSRecord

@Suite struct ViolationTests {
    private static let alerts: [(RecordViolation, UInt8)] = [
        (.badRecordMAC, 20),  // bad_record_mac
        (.recordOverflow, 22),  // record_overflow
        (.unexpectedMessage, 10), (.emptyFragment, 10), (.messageAcrossKeyChange, 10),  // unexpected_message
        (.tooManyKeyUpdates, 10),
        (.illegalParameter, 47),
        (.malformedAlert, 50), (.malformedMessage, 50),  // decode_error
        (.renegotiation, 100),  // no_renegotiation, RFC 5246 7.2
        (.libraryFailure, 80),  // internal_error
    ]

    /// RFC 8446 6.
    @Test(arguments: alerts)
    func everyViolationHasItsAlert(violation: RecordViolation, code: UInt8) {
        #expect(violation.alert == code)
    }

    @Test func everyViolationIsTold() {
        #expect(ViolationTests.alerts.map(\.0).count == RecordViolation.allCases.count)
        let words = Set(RecordViolation.allCases.map(\.description))
        #expect(words.count == RecordViolation.allCases.count)
        #expect(!words.contains(""))
    }
}
