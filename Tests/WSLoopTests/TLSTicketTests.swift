import Bytes
import COpenSSL
import Synchronization
import Testing

@testable import WSLoop

/// How long a session can be resumed, and which key seals its ticket.
@Suite struct TLSTicketTests {
    private static let day: UInt64 = 86_400
    private static let hour: UInt64 = 3_600

    /// A clock that stands still until the test moves it.
    private final class Watch: Sendable {
        private let seconds = Mutex<UInt64>(1_000)
        var now: UInt64 { seconds.withLock { $0 } }
        func pass(_ duration: UInt64) { seconds.withLock { $0 &+= duration } }
    }

    /// A server, and a client that keeps the newest ticket it received.
    @safe
    private final class Server {
        let watch = Watch()
        private let authority: Authority
        private let client: TLSContext
        private let server: TLSContext
        private let version: TLSVersion
        private var session: OpaquePointer?

        init(_ version: TLSVersion, verifiesClients: Bool = false) throws {
            self.version = version
            authority = try Authority()
            let identity = try authority.issue("DNS:localhost")
            client = try TLSContext(
                client: TLSClientOptions(
                    caFile: authority.caFile, certificateFile: identity.certificateFile, keyFile: identity.keyFile))
            server = try TLSContext(
                server: TLSServerOptions(
                    certificateFile: identity.certificateFile, keyFile: identity.keyFile,
                    clientCAFile: verifiesClients ? authority.caFile : nil), clock: { [watch] in watch.now })
        }

        deinit { unsafe SSL_SESSION_free(session) }

        /// Connects, with a ticket if there is one; true if the session was resumed.
        func connect(keepsTicket: Bool = true) throws -> Bool {
            let pair = try TLSPair(client: client, server: server, version: version, ours: .server)
            if let session = unsafe session { unsafe SSL_set_session(pair.client.raw, session) }
            try pair.establish()
            #expect(pair.server.send(randomBytes(1).rawSpan) == .accepted(1))
            let receiving = Receiving(from: pair.client)
            receiving.step()  // with TLS 1.3 the ticket comes first
            #expect(receiving.bytes.count == 1)
            pair.client.closeNotify()  // OpenSSL does not resume a session without close_notify
            if keepsTicket {
                unsafe SSL_SESSION_free(session)
                unsafe session = SSL_get1_session(pair.client.raw)
            }
            return unsafe SSL_session_reused(pair.client.raw) == 1
        }
    }

    @Test(arguments: TLSVersion.allCases, [false, true])
    func aSessionIsResumedForOnePeriod(version: TLSVersion, verifiesClients: Bool) throws {
        let server = try Server(version, verifiesClients: verifiesClients)
        let period = verifiesClients ? TLSTicketTests.hour : TLSTicketTests.day
        #expect(try !server.connect())
        server.watch.pass(period - 1)
        #expect(try server.connect(keepsTicket: false))
        server.watch.pass(1)
        #expect(try !server.connect())
        #expect(try server.connect())
    }

    /// A resumed session gets a ticket too, which must not extend its lifetime.
    @Test(arguments: TLSVersion.allCases)
    func renewedTicketsDoNotMakeASessionYounger(version: TLSVersion) throws {
        let server = try Server(version, verifiesClients: true)
        #expect(try !server.connect())
        for _ in 0..<3 {
            server.watch.pass(TLSTicketTests.hour / 4)
            #expect(try server.connect())
        }
        server.watch.pass(TLSTicketTests.hour / 4)
        #expect(try !server.connect())
    }

    /// A ticket with yesterday's key is valid for the rest of its day.
    @Test(arguments: TLSVersion.allCases)
    func theKeyBeforeStillOpens(version: TLSVersion) throws {
        let server = try Server(version)
        #expect(try !server.connect(keepsTicket: false))
        server.watch.pass(TLSTicketTests.day - 10)
        #expect(try !server.connect())
        server.watch.pass(20)
        #expect(try server.connect(keepsTicket: false))
        server.watch.pass(TLSTicketTests.day - 40)
        #expect(try server.connect())
    }

    @Test func aKeyIsUsedForOnePeriodAndKeptForAnother() throws {
        let watch = Watch()
        let keys = TicketKeys(verifiesClients: false, clock: { watch.now })
        let first = try #require(keys.sealing())
        watch.pass(TLSTicketTests.day - 1)
        #expect(keys.sealing() === first)
        watch.pass(1)
        let second = try #require(keys.sealing())
        #expect(second !== first)
        let opened = try #require(unsafe keys.opening(name(of: first)))
        #expect(opened.key === first && opened.renews)
        watch.pass(TLSTicketTests.day)
        #expect(unsafe keys.opening(name(of: first)) == nil)
        #expect(unsafe keys.opening(name(of: second))?.key === second)
    }

    /// A loop reads the clock, another makes a key in the next second, and then the first looks at that key.
    @Test func aKeyMayBeNewerThanTheTime() throws {
        let watch = Watch()
        let keys = TicketKeys(verifiesClients: false, clock: { watch.now })
        watch.pass(1)
        let key = try #require(keys.sealing())
        #expect(key.age(at: watch.now - 1) == 0)
        #expect(key.age(at: watch.now + 2) == 2)
        watch.pass(UInt64.max)  // a second back
        #expect(keys.sealing() === key)
        let opened = try #require(unsafe keys.opening(name(of: key)))
        #expect(opened.key === key && !opened.renews)
    }

    private func name(of key: TicketKey) -> UnsafePointer<UInt8> {
        unsafe UnsafeRawPointer(key.content).assumingMemoryBound(to: UInt8.self)
    }
}
