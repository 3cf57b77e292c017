import Bytes
import COpenSSL
import Glibc
import Testing

@testable import WSLoop

@Suite struct TLSHandshakeTests {
    let authority: Authority

    init() throws { authority = try Authority() }

    private func serverContext(_ identity: Authority.Identity, clientCAFile: String? = nil) throws -> TLSContext {
        try TLSContext(
            server: TLSServerOptions(
                certificateFile: identity.certificateFile, keyFile: identity.keyFile, clientCAFile: clientCAFile))
    }

    private func clientContext(caFile: String? = nil, _ identity: Authority.Identity? = nil) throws -> TLSContext {
        try TLSContext(
            client: TLSClientOptions(
                caFile: caFile ?? authority.caFile, certificateFile: identity?.certificateFile,
                keyFile: identity?.keyFile))
    }

    private func pair(
        _ identity: Authority.Identity, to serverName: String = "localhost", version: TLSVersion = .v13,
        ours: TLSPair.Ours.Ends = .both
    ) throws -> TLSPair {
        try TLSPair(
            client: clientContext(), server: serverContext(identity), to: serverName, version: version, ours: ours)
    }

    @Test(arguments: TLSVersion.allCases)
    func theVersionsThatAreAllowed(version: TLSVersion) throws {
        let pair = try TLSPair(version: version, ours: .server(.openssl))
        try pair.establish()
        #expect(unsafe SSL_version(pair.client.raw) == Int32(version.rawValue))
        #expect(pair.server.handshake() == .done)
    }

    /// RFC 8996.
    @Test func olderVersionsAreRefused() throws {
        let pair = try TLSPair()
        unsafe SSL_ctrl(pair.client.raw, SSL_CTRL_SET_MIN_PROTO_VERSION, 0x0302, nil)
        unsafe SSL_ctrl(pair.client.raw, SSL_CTRL_SET_MAX_PROTO_VERSION, 0x0302, nil)
        unsafe SSL_set_cipher_list(pair.client.raw, "ALL:@SECLEVEL=0")
        let results = try pair.shakeHands()
        #expect(results.client == .failed(reason: "tlsv1 alert protocol version"))
        #expect(results.server == .failed(reason: "unsupported protocol"))
    }

    @Test(arguments: TLSVersion.allCases)
    func aHandshakeInSingleBytes(version: TLSVersion) throws {
        let pair = try TLSPair(version: version, isDirect: false)
        pair.wireBytesPerStep = 1
        try pair.establish()
    }

    /// RFC 5246 6.2.1: a message may be split into any number of records, even Finished, which is protected.
    @Test(arguments: TLSRecords.allCases)
    func aFinishedInManyRecords(records: TLSRecords) throws {
        let pair = try TLSPair(version: .v12, isDirect: false, ours: .server(records))
        #expect(unsafe SSL_set_cipher_list(pair.client.raw, "ECDHE-ECDSA-AES128-GCM-SHA256") == 1)
        let cutter = try FinishedCutter(pair)
        while case .needs = pair.client.handshake() {
            guard case .needs = pair.server.handshake() else { break }
            try cutter.moveToServer()
            TLSPair.move(pair.serverEnds.first, pair.clientEnds.second, .max)
        }
        #expect(pair.server.handshake() == .done)
        TLSPair.move(pair.serverEnds.first, pair.clientEnds.second, .max)
        #expect(pair.client.handshake() == .done)
        #expect(pair.client.send([1, 2, 3].rawSpan) == .accepted(3))
        try cutter.moveToServer()
        #expect(cutter.cutRecords == 16)
        let atServer = Receiving(from: pair.server)
        atServer.step()
        #expect(atServer.bytes == [1, 2, 3])
    }

    // MARK: Certificates

    @Test(arguments: TLSVersion.allCases)
    func aServerOfAnotherAuthorityIsRefused(version: TLSVersion) throws {
        let other = try Authority(name: "Other authority")
        for (withChain, reason) in [
            (false, "unable to get local issuer certificate"), (true, "self-signed certificate in certificate chain"),
        ] {
            let pair = try pair(other.issue("DNS:localhost", withChain: withChain), version: version)
            let results = try pair.shakeHands()
            #expect(results.client == .failed(reason: reason))
            #expect(results.server == .failed(reason: "tlsv1 alert unknown ca"))
            #expect(pair.client.handshake() == results.client)
            #expect(pair.client.read(into: ReadBuffer(byteCount: 10)) == .failed(reason: reason))
        }
    }

    /// This happens when an authority is recreated: the name is known, the key is another.
    @Test func aServerOfANamesakeIsRefused() throws {
        let namesake = try Authority()
        let results = try pair(namesake.issue("DNS:localhost")).shakeHands()
        #expect(results.client == .failed(reason: "certificate signature failure"))
        #expect(results.server == .failed(reason: "tlsv1 alert decrypt error"))
    }

    @Test func aCertificateOutOfItsTimeIsRefused() throws {
        let expired = try pair(authority.issue("DNS:localhost", validity: Authority.over))
        #expect(try expired.shakeHands().client == .failed(reason: "certificate has expired"))
        let early = try pair(authority.issue("DNS:localhost", validity: Authority.tomorrow))
        #expect(try early.shakeHands().client == .failed(reason: "certificate is not yet valid"))
    }

    @Test(arguments: [
        ("DNS:localhost", "localhost"), ("DNS:localhost", "LocalHost"), ("DNS:redis.example.com", "redis.example.com."),
        ("DNS:*.example.com", "redis.example.com"), ("IP:127.0.0.1", "127.0.0.1"), ("IP:::1", "::1"),
        ("IP:::1", "0:0:0:0:0:0:0:1"), ("DNS:other,IP:10.0.0.1,DNS:redis", "redis"),
    ])
    func theNameThatTheCertificateIsFor(names: String, serverName: String) throws {
        try pair(authority.issue(names), to: serverName).establish()
    }

    /// RFC 6125 6.4 and 1.7.2.
    @Test(arguments: [
        ("DNS:localhost", "redis", "hostname mismatch"),
        ("DNS:*.example.com", "a.b.example.com", "hostname mismatch"),
        ("DNS:*.example.com", "example.com", "hostname mismatch"),
        ("DNS:r*.example.com", "redis.example.com", "hostname mismatch"),
        ("DNS:example.com", "example.com.evil.org", "hostname mismatch"),
        ("IP:127.0.0.1", "localhost", "hostname mismatch"),
        ("IP:127.0.0.1", "127.0.0.2", "IP address mismatch"),
        ("DNS:127.0.0.1", "127.0.0.1", "IP address mismatch"),
        ("DNS:localhost", "::1", "IP address mismatch"),
    ])
    func anotherNameIsRefused(names: String, serverName: String, reason: String) throws {
        let results = try pair(authority.issue(names), to: serverName).shakeHands()
        #expect(results.client == .failed(reason: reason))
    }

    /// OpenSSL would accept any certificate for an empty name.
    @Test(arguments: ["", ".", "localhost\0.example.com", String(repeating: "a", count: 300)])
    func whatIsNoNameIsRefused(serverName: String) throws {
        #expect(throws: TLSFailure.invalidServerName(serverName)) {
            try pair(authority.issue("DNS:localhost"), to: serverName)
        }
    }

    /// RFC 6066 3: names are sent, without the final dot; addresses are not.
    @Test(arguments: [("localhost", "localhost"), ("localhost.", "localhost"), ("127.0.0.1", nil), ("::1", nil)])
    func theNameThatTheServerIsTold(serverName: String, told: String?) throws {
        let pair = try pair(authority.issue("DNS:localhost", "IP:127.0.0.1", "IP:::1"), to: serverName, ours: .client)
        try pair.establish()
        let name = unsafe SSL_get_servername(pair.server.raw, TLSEXT_NAMETYPE_host_name)
        #expect(unsafe name.map { unsafe String(cString: $0) } == told)
    }

    @Test(arguments: TLSVersion.allCases)
    func aDemandedClientCertificate(version: TLSVersion) throws {
        let identity = try authority.issue("DNS:localhost")
        let server = try serverContext(identity, clientCAFile: authority.caFile)
        let client = try clientContext(authority.issue("DNS:client"))
        try TLSPair(client: client, server: server, version: version).establish()
    }

    /// With TLS 1.3 the client finishes before the server checks its certificate: the first read returns the refusal.
    @Test(arguments: TLSVersion.allCases, ["absent", "foreign", "expired"])
    func aClientWithoutTheDemandedCertificateIsRefused(version: TLSVersion, kind: String) throws {
        let identity = try authority.issue("DNS:localhost")
        let server = try serverContext(identity, clientCAFile: authority.caFile)
        let other = try Authority(name: "Other authority")
        let (shown, reason, alert): (Authority.Identity?, String, String) =
            switch kind {
            case "absent":
                (
                    nil, "peer did not return a certificate",
                    version == .v13 ? "tlsv13 alert certificate required" : "sslv3 alert handshake failure"
                )
            case "foreign":
                (try other.issue("DNS:client"), "unable to get local issuer certificate", "tlsv1 alert unknown ca")
            default:
                (
                    try authority.issue("DNS:client", validity: Authority.over), "certificate has expired",
                    "sslv3 alert certificate expired"
                )
            }
        let pair = try TLSPair(client: clientContext(shown), server: server, version: version)
        let results = try pair.shakeHands()
        #expect(results.server == .failed(reason: reason))
        if version == .v13 {
            #expect(results.client == .done)
            pair.serverEnds.close(pair.serverDescriptor)
            // A send that fails because the connection is gone does not hide the reason.
            let hello: [UInt8] = [1, 2, 3]
            guard case .failed = pair.client.send(hello.rawSpan) else {
                Issue.record("the send succeeds")
                return
            }
        } else {
            #expect(results.client == .failed(reason: alert))
        }
        #expect(pair.client.read(into: ReadBuffer(byteCount: 100)) == .failed(reason: alert))
    }

    // MARK: Peers that do not speak TLS, or stop

    @Test(arguments: 0..<3)
    func aServerThatGoesAwayInTheHandshake(turns: Int) throws {
        let pair = try TLSPair(version: .v12)
        #expect(pair.client.handshake() == .needs(.readable))
        if turns > 0 { _ = pair.server.handshake() }
        if turns > 1 { _ = pair.client.handshake() }
        // Unread input would make the kernel reset the connection.
        var buffer = [UInt8](repeating: 0, count: 10_000)
        _ = unsafe recv(pair.serverDescriptor, &buffer, buffer.count, 0)
        pair.serverEnds.close(pair.serverDescriptor)
        let expected = TLSSession.HandshakeResult.failed(
            reason: "the server closed the connection during the TLS handshake")
        for _ in 0..<2 { #expect(pair.client.handshake() == expected) }
    }

    @Test func aClientThatGoesAwayInTheHandshake() throws {
        let pair = try TLSPair()
        _ = pair.client.handshake()
        pair.clientEnds.close(pair.clientDescriptor)
        let second = try TLSPair()
        #expect(second.server.handshake() == .needs(.readable))
        shutdown(second.clientDescriptor, Int32(SHUT_WR))
        #expect(
            second.server.handshake()
                == .failed(reason: "the client closed the connection during the TLS handshake"))
    }

    @Test func aServerThatDoesNotSpeakTLS() throws {
        let pair = try TLSPair()
        #expect(pair.client.handshake() == .needs(.readable))
        let answer = Array("-ERR unknown command\r\n".utf8)
        #expect(Socket.send(answer.rawSpan, to: pair.serverDescriptor) == .accepted(answer.count))
        #expect(
            pair.client.handshake()
                == .failed(reason: "wrong version number (the server does not seem to speak TLS)"))
    }

    @Test func aClientThatDoesNotSpeakTLS() throws {
        for (request, reason) in [
            ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "http request"),
            ("*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n", "wrong version number (the client does not seem to speak TLS)"),
        ] {
            let pair = try TLSPair()
            let bytes = Array(request.utf8)
            #expect(Socket.send(bytes.rawSpan, to: pair.clientDescriptor) == .accepted(bytes.count))
            #expect(pair.server.handshake() == .failed(reason: reason))
        }
    }

    /// Loops share a context.
    @Test func manyThreadsUseOneContext() throws {
        let identity = try authority.issue("DNS:localhost")
        let client = try clientContext()
        let server = try serverContext(identity)
        let threads = try (0..<4).map { _ in
            try LoopThread(named: "tls") {
                for _ in 0..<20 {
                    #expect(throws: Never.self) { try TLSPair(client: client, server: server).establish() }
                }
            }
        }
        for thread in threads { thread.join() }
    }
}
