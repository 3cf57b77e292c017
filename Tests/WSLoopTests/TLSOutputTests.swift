import Bytes
import COpenSSL
import Glibc
import Testing

@testable import TLSRecord
@testable import WSLoop

/// Server sessions of one loop, whose output is one buffer.
@Suite struct TLSOutputTests {
    /// A client on its socket, and a server session that writes into the output.
    private final class Pair {
        let ends: Ends
        let client: TLSSession
        let server: TLSSession

        init(_ authority: Authority, _ context: TLSContext, _ output: TLSOutput, to name: String = "localhost") throws {
            SystemLimits.ignoreBrokenPipes()
            ends = try Ends()
            client = try TLSSession(
                context: TLSContext(client: TLSClientOptions(caFile: authority.caFile)), connected: ends.first, to: name
            )
            server = try TLSSession(context: context, accepted: ends.second, output: output)
        }

        func establish(_ output: TLSOutput) throws {
            for _ in 0..<10 {
                let client = client.handshake()
                let server = server.handshake()
                try send(output)
                if client == .done, server == .done { return }
                if case .failed(let reason) = client { throw TestFailure(description: reason) }
            }
            throw TestFailure(description: "the handshake never ends")
        }

        func send(_ output: TLSOutput) throws {
            let part = server.takeOutput()
            try send(part, of: output)
            output.release(part)
        }

        func send(_ part: TLSOutput.Part, of output: TLSOutput) throws {
            let result = output.send(part)
            guard result == .accepted(part.count) else { throw TestFailure(description: "\(result)") }
        }
    }

    private func context(
        _ identities: [Authority.Identity], _ records: TLSRecords = .openssl
    ) throws -> TLSContext {
        try TLSContext(
            server: TLSServerOptions(
                identities: identities.map {
                    TLSIdentity(certificateFile: $0.certificateFile, keyFile: $0.keyFile)
                }, records: records))
    }

    @Test(arguments: TLSRecords.allCases)
    func sessionsShareAnOutputAndKeepTheirBytesApart(records: TLSRecords) throws {
        let authority = try Authority()
        let context = try context([authority.issue("DNS:localhost")], records)
        let output = try TLSOutput()
        let pairs = try (0..<3).map { _ in try Pair(authority, context, output) }
        for pair in pairs { try pair.establish(output) }
        // Sizes at which the buffer grows, and therefore moves, between one session's bytes and the next one's.
        let texts = [randomBytes(10), randomBytes(60_000), randomBytes(20_000)]
        var parts: [TLSOutput.Part] = []
        for (pair, text) in zip(pairs, texts) {
            pair.server.seal(text.rawSpan)
            let isSealed = pair.server.finishSealing()
            #expect(isSealed)
            parts.append(pair.server.takeOutput())
        }
        for (pair, part) in zip(pairs, parts) { try pair.send(part, of: output) }
        for (pair, text) in zip(pairs, texts) {
            let receiving = Receiving(from: pair.client)
            receiving.step()
            #expect(receiving.bytes == text)
        }
        output.removeAll()
        #expect(output.count == 0)
    }

    /// Bytes that were not taken belong to their session: another session can neither add to them nor send them.
    @Test func bytesOfAnotherSessionAreNotTouched() async {
        await #expect(processExitsWith: .success) { try TLSOutputTests.mixSessions(takesFirst: true) }
        await #expect(processExitsWith: .failure) { try TLSOutputTests.mixSessions(takesFirst: false) }
    }

    private static func mixSessions(takesFirst: Bool) throws {
        let authority = try Authority()
        let context = try TLSOutputTests().context([authority.issue("DNS:localhost")])
        let output = try TLSOutput()
        let pairs = try (0..<2).map { _ in try Pair(authority, context, output) }
        for pair in pairs { try pair.establish(output) }
        for pair in pairs {
            pair.server.seal(randomBytes(10).rawSpan)
            _ = pair.server.finishSealing()
            if takesFirst { _ = pair.server.takeOutput() }
        }
    }

    /// The cipher contexts hold the keys of the last session that used them.
    @Test func keysEndWithTheirSession() throws {
        let authority = try Authority()
        let output = try TLSOutput()
        do {
            let pair = try Pair(authority, context([authority.issue("DNS:localhost")], .compact), output)
            try pair.establish(output)
            pair.server.seal(randomBytes(10).rawSpan)
            let isSealed = pair.server.finishSealing()
            #expect(isSealed)
            try pair.send(output)
            #expect(!output.ciphers.isEmpty)
        }
        #expect(output.ciphers.isEmpty)
    }

    @Test func aRangeIsAWriteOfAList() throws {
        let authority = try Authority()
        let output = try TLSOutput()
        let pair = try Pair(authority, context([authority.issue("DNS:localhost")]), output)
        try pair.establish(output)
        let list = WriteList()
        list.add(to: pair.ends.second)
        for text in ["hello", " world"] {
            let bytes = Array(text.utf8)
            pair.server.seal(bytes.rawSpan)
            let isSealed = pair.server.finishSealing()
            #expect(isSealed)
        }
        let part = pair.server.takeOutput()
        output.place(part, in: list, at: 0)
        SocketSender().send(list)
        #expect(list.result(0) == .accepted(part.count))
        let receiving = Receiving(from: pair.client)
        receiving.step()
        #expect(receiving.bytes == Array("hello world".utf8))
    }

    @Test(arguments: [("one.example", 0), ("two.example", 1), ("a.three.example", 2), ("one.example.", 0)])
    func theNameChoosesTheCertificate(name: String, index: Int) throws {
        let authority = try Authority()
        let identities = try ["DNS:one.example", "DNS:two.example", "DNS:*.three.example"].map {
            try authority.issue($0)
        }
        let output = try TLSOutput()
        // The client trusts only a certificate for this very name, so the handshake shows which one was chosen.
        let pair = try Pair(authority, context(identities), output, to: name)
        try pair.establish(output)
    }

    @Test func anUnknownNameGetsTheFirst() throws {
        let authority = try Authority()
        let identities = try ["DNS:one.example", "DNS:two.example"].map { try authority.issue($0) }
        let output = try TLSOutput()
        let pair = try Pair(authority, context(identities), output, to: "three.example")
        #expect { try pair.establish(output) } throws: { "\($0)" == "hostname mismatch" }
    }

    @Test func aBrokenSessionSealsNothing() throws {
        let authority = try Authority()
        let output = try TLSOutput()
        let pair = try Pair(authority, context([authority.issue("DNS:localhost")]), output)
        let garbage = Array("no TLS at all, but long enough".utf8)
        let sent = Socket.send(garbage.rawSpan, to: pair.ends.first)
        #expect(sent == .accepted(30))
        guard case .failed = pair.server.handshake() else {
            Issue.record("a handshake with garbage")
            return
        }
        pair.server.seal(garbage.rawSpan)
        let isSealed = pair.server.finishSealing()
        #expect(!isSealed)
    }
}
