import Bytes
import COpenSSL
import Glibc
import Testing

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
                try send(0..<output.count, of: output)
                output.removeAll()
                if client == .done, server == .done { return }
                if case .failed(let reason) = client { throw TestFailure(description: reason) }
            }
            throw TestFailure(description: "the handshake never ends")
        }

        func send(_ range: Range<Int>, of output: TLSOutput) throws {
            let result = output.lend(range) { Socket.send($0, to: ends.second) }
            guard result == .accepted(range.count) else { throw TestFailure(description: "\(result)") }
        }
    }

    private func context(_ identities: [Authority.Identity]) throws -> TLSContext {
        try TLSContext(
            server: TLSServerOptions(
                identities: identities.map {
                    TLSIdentity(certificateFile: $0.certificateFile, keyFile: $0.keyFile)
                }))
    }

    @Test func sessionsShareAnOutputAndKeepTheirBytesApart() throws {
        let authority = try Authority()
        let context = try context([authority.issue("DNS:localhost")])
        let output = try TLSOutput()
        let pairs = try (0..<3).map { _ in try Pair(authority, context, output) }
        for pair in pairs { try pair.establish(output) }
        // Sizes at which the buffer grows, and so moves, between one session's bytes and the next one's.
        let texts = [randomBytes(10), randomBytes(60_000), randomBytes(20_000)]
        var ranges: [Range<Int>] = []
        for (pair, text) in zip(pairs, texts) {
            let begin = output.count
            pair.server.seal(text.rawSpan)
            let isSealed = pair.server.finishSealing()
            #expect(isSealed)
            ranges.append(begin..<output.count)
        }
        for (pair, range) in zip(pairs, ranges) { try pair.send(range, of: output) }
        for (pair, text) in zip(pairs, texts) {
            let receiving = Receiving(from: pair.client)
            receiving.step()
            #expect(receiving.bytes == text)
        }
        output.removeAll()
        #expect(output.count == 0)
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
        output.place(0..<output.count, in: list, at: 0)
        SocketSender().send(list)
        #expect(list.result(0) == .accepted(output.count))
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
        // The client trusts only a certificate for this very name, so that the handshake tells.
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
