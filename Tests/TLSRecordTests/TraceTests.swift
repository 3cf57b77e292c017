import Testing

@testable import TLSRecord

/// RFC 8448 3: the records after the handshake, byte for byte.
@Suite struct TraceTests {
    private let client = Secret(
        .aes128, hex("9e40646ce79a7f9dc05af8889bce6552 875afa0b06df0087f792ebb7c17504a5"))
    private let server = Secret(
        .aes128, hex("a11af9f05531f856ad47116b45a95032 8204b4f44bfb6b3a4b4f1f3fcb631643"))
    private let content = (0..<50).map { UInt8($0) }

    @Test func theClientsRecordsAreOpened() throws {
        try expect(Trace.clientData, client, gives: content)
        try expect(Trace.clientData + Trace.clientAlert, client, gives: content, then: .closeNotify)
    }

    /// The ticket comes first and is counted.
    @Test func theServersRecordsAreOpened() throws {
        let bytes = Trace.serverTicket + Trace.serverData + Trace.serverAlert
        try expect(bytes, server, role: .client, gives: content, then: .closeNotify)
        try expect(Trace.serverData, server, role: .client, then: .violation(.badRecordMAC))
        var behindTheTicket = server
        behindTheTicket.sequence = 1
        try expect(
            Trace.serverData + Trace.serverAlert, behindTheTicket, role: .client, gives: content, then: .closeNotify)
    }

    @Test func theClientsRecordsAreMade() throws {
        let peer = try Peer(client)
        #expect(peer.data(content) == Trace.clientData)
        #expect(peer.alert(1, 0) == Trace.clientAlert)
    }

    @Test func theServersRecordsAreMade() throws {
        let peer = try Peer(server)
        #expect(peer.handshake(Trace.ticket) == Trace.serverTicket)
        #expect(peer.data(content) == Trace.serverData)
        #expect(peer.alert(1, 0) == Trace.serverAlert)
    }

    /// The naive implementation, which other suites are compared with, makes the same records.
    @Test func theNaiveRecordsAreTheSame() {
        var clientRecords = NaiveRecords(
            .aes128, key: hex("17422dda596ed5d9acd890e3c63f5051"), iv: hex("5b78923dee08579033e523d9"))
        #expect(clientRecords.record(23, content) == Trace.clientData)
        #expect(clientRecords.record(21, [1, 0]) == Trace.clientAlert)
        var serverRecords = NaiveRecords(
            .aes128, key: hex("9f02283b6c9c07efc26bb9f2ac92e356"), iv: hex("cf782b88dd83549aadf1e984"))
        #expect(serverRecords.record(22, Trace.ticket) == Trace.serverTicket)
        #expect(serverRecords.record(23, content) == Trace.serverData)
        #expect(serverRecords.record(21, [1, 0]) == Trace.serverAlert)
        let derived = [NaiveRecords(client), NaiveRecords(server)]
        #expect(derived.map(\.key) == [clientRecords.key, serverRecords.key])
        #expect(derived.map(\.iv) == [clientRecords.iv, serverRecords.iv])
    }
}

private enum Trace {
    static let clientData = hex(
        """
        17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa 66 bc ab 3f 2b
        98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2 97 70 14 bd 1e 3d ea e6 3a ee
        bb 21 69 49 15 e4
        """)
    static let clientAlert = hex("17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3")
    static let serverTicket = hex(
        """
        17 03 03 00 de 3a 6b 8f 90 41 4a 97 d6 95 9c 34 87 68 0d e5 13 4a 2b 24 0e 6c ff ac 11 6e 95 d4 1d
        6a f8 f6 b5 80 dc f3 d1 1d 63 c7 58 db 28 9a 01 59 40 25 2f 55 71 3e 06 1d c1 3e 07 88 91 a3 8e fb
        cf 57 53 ad 8e f1 70 ad 3c 73 53 d1 6d 9d a7 73 b9 ca 7f 2b 9f a1 b6 c0 d4 a3 d0 3f 75 e0 9c 30 ba
        1e 62 97 2a c4 6f 75 f7 b9 81 be 63 43 9b 29 99 ce 13 06 46 15 13 98 91 d5 e4 c5 b4 06 f1 6e 3f c1
        81 a7 7c a4 75 84 00 25 db 2f 0a 77 f8 1b 5a b0 5b 94 c0 13 46 75 5f 69 23 2c 86 51 9d 86 cb ee ac
        87 aa c3 47 d1 43 f9 60 5d 64 f6 50 db 4d 02 3e 70 e9 52 ca 49 fe 51 37 12 1c 74 bc 26 97 68 7e 24
        87 46 d6 df 35 30 05 f3 bc e1 86 96 12 9c 81 53 55 6b 3b 6c 67 79 b3 7b f1 59 85 68 4f
        """)
    static let serverData = hex(
        """
        17 03 03 00 43 2e 93 7e 11 ef 4a c7 40 e5 38 ad 36 00 5f c4 a4 69 32 fc 32 25 d0 5f 82 aa 1b 36 e3
        0e fa f9 7d 90 e6 df fc 60 2d cb 50 1a 59 a8 fc c4 9c 4b f2 e5 f0 a2 1c 00 47 c2 ab f3 32 54 0d d0
        32 e1 67 c2 95 5d
        """)
    static let serverAlert = hex("17 03 03 00 13 b5 8f d6 71 66 eb f5 99 d2 47 20 cf be 7e fa 7a 88 64 a9")
    /// The content of the server's first record: a NewSessionTicket.
    static let ticket = hex(
        """
        04 00 00 c9 00 00 00 1e fa d6 aa c5 02 00 00 00 b2 2c 03 5d 82 93 59 ee 5f f7 af 4e c9 00 00 00 00
        26 2a 64 94 dc 48 6d 2c 8a 34 cb 33 fa 90 bf 1b 00 70 ad 3c 49 88 83 c9 36 7c 09 a2 be 78 5a bc 55
        cd 22 60 97 a3 a9 82 11 72 83 f8 2a 03 a1 43 ef d3 ff 5d d3 6d 64 e8 61 be 7f d6 1d 28 27 db 27 9c
        ce 14 50 77 d4 54 a3 66 4d 4e 6d a4 d2 9e e0 37 25 a6 a4 da fc d0 fc 67 d2 ae a7 05 29 51 3e 3d a2
        67 7f a5 90 6c 5b 3f 7d 8f 92 f2 28 bd a4 0d da 72 14 70 f9 fb f2 97 b5 ae a6 17 64 6f ac 5c 03 27
        2e 97 07 27 c6 21 a7 91 41 ef 5f 7d e6 50 5e 5b fb c3 88 e9 33 43 69 40 93 93 4a e4 d3 57 00 08 00
        2a 00 04 00 00 04 00
        """)
}
