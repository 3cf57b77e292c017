import COpenSSL
import Testing

@testable import WSLoop

@Suite struct TLSRecordCheckTests {
    @Test func theCompactRecordsPass() throws {
        try TLSRecordCheck.run()
    }

    @Test func aCipherThatIsNotToBeHadFails() {
        let suite = TLSRecordCheck.Suite(version: TLS1_2_VERSION, cipher: "ECDHE-ECDSA-AES128-SHA256")
        #expect(throws: TLSFailure.self) { try TLSRecordCheck.check(suite, client: .compact, server: .openssl) }
    }
}
