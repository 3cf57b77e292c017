import Bytes
import COpenSSL
import Glibc
import Testing

@testable import WSLoop

/// Two connected, non-blocking descriptors.
final class Ends {
    let first: Int32
    let second: Int32
    private var open: Set<Int32>

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0 else {
            throw TestFailure(description: "socketpair: errno \(errno)")
        }
        (first, second) = (ends[0], ends[1])
        open = [first, second]
    }

    deinit { for end in open { Socket.close(end) } }

    func close(_ end: Int32) {
        if open.remove(end) != nil { Socket.close(end) }
    }
}

enum TLSVersion: Int, CaseIterable {
    case v12 = 0x0303
    case v13 = 0x0304
}

/// One end of a TLS connection.
protocol TLSEnd: AnyObject {
    var hasPendingInput: Bool { get }
    func handshake() -> TLSSession.HandshakeResult
    func read(into buffer: ReadBuffer, atMost byteCount: Int) -> TLSSession.ReadResult
    func send(_ bytes: RawSpan, from offset: Int) -> TLSSession.WriteResult
    func closeNotify()
    /// OpenSSL's session; our sessions have one only during the handshake.
    var raw: OpaquePointer? { get }
}

extension TLSEnd {
    func read(into buffer: ReadBuffer) -> TLSSession.ReadResult { read(into: buffer, atMost: .max) }
    func send(_ bytes: RawSpan) -> TLSSession.WriteResult { send(bytes, from: 0) }
}

extension TLSSession: TLSEnd {
    var raw: OpaquePointer? { unsafe handshaking?.raw }
}

/// A client and a server in one thread, each with its own descriptor.
///
/// Between them is a wire over which the test moves bytes, or, if `isDirect`, only the kernel.
final class TLSPair {
    /// Which ends are our sessions, and which record layer they use; the other end is OpenSSL itself.
    struct Ours: CaseIterable, CustomTestStringConvertible {
        enum Ends: CaseIterable { case both, client, server }
        let ends: Ends
        let records: TLSRecords

        static let allCases = TLSRecords.allCases.flatMap { records in
            Ends.allCases.map { Ours(ends: $0, records: records) }
        }
        static let one = allCases.filter { $0.ends != .both }

        static func both(_ records: TLSRecords) -> Ours { Ours(ends: .both, records: records) }
        static func client(_ records: TLSRecords) -> Ours { Ours(ends: .client, records: records) }
        static func server(_ records: TLSRecords) -> Ours { Ours(ends: .server, records: records) }

        var testDescription: String { "\(ends) \(records)" }
    }

    let client: any TLSEnd
    let server: any TLSEnd
    let clientEnds: Ends
    let serverEnds: Ends
    let isDirect: Bool
    var wireBytesPerStep = Int.max

    init(
        client: TLSContext, server: TLSContext, to serverName: String = "localhost", version: TLSVersion = .v13,
        isDirect: Bool = true, ours: Ours.Ends = .both
    ) throws {
        SystemLimits.ignoreBrokenPipes()
        self.isDirect = isDirect
        clientEnds = try Ends()
        serverEnds = isDirect ? clientEnds : try Ends()
        self.client =
            ours == .server
            ? try ReferenceEnd(client, clientEnds.first)
            : try TLSSession(context: client, connected: clientEnds.first, to: serverName)
        self.server =
            ours == .client ? try ReferenceEnd(server, serverEnds.second) : try ServerEnd(server, serverEnds.second)
        unsafe SSL_ctrl(self.client.raw, SSL_CTRL_SET_MAX_PROTO_VERSION, version.rawValue, nil)
    }

    /// A client and a server that trust each other.
    convenience init(
        version: TLSVersion = .v13, isDirect: Bool = true, ours: Ours = .both(.openssl)
    ) throws {
        let authority = try Authority()
        let identity = try authority.issue("DNS:localhost")
        try self.init(
            client: TLSContext(client: TLSClientOptions(caFile: authority.caFile, records: ours.records)),
            server: TLSContext(
                server: TLSServerOptions(
                    certificateFile: identity.certificateFile, keyFile: identity.keyFile, records: ours.records)),
            version: version, isDirect: isDirect, ours: ours.ends)
    }

    var clientDescriptor: Int32 { clientEnds.first }
    var serverDescriptor: Int32 { serverEnds.second }

    /// Lets both continue until neither has anything left to do.
    func shakeHands() throws -> (client: TLSSession.HandshakeResult, server: TLSSession.HandshakeResult) {
        for _ in 0..<100_000 {
            let results = (client: client.handshake(), server: server.handshake())
            let moved = moveWire()
            switch results {
            case (.needs, .needs): continue
            case (.needs, _), (_, .needs):
                // The other end's last output is still on its way.
                let again = (client: client.handshake(), server: server.handshake())
                if again == results, !moved { return results }
            default: return results
            }
        }
        throw TestFailure(description: "the handshake never ends")
    }

    func establish() throws {
        let results = try shakeHands()
        guard results == (.done, .done) else { throw TestFailure(description: "\(results)") }
    }

    /// Moves the bytes that arrived at the inner ends, at most `wireBytesPerStep` each way; false if there were none.
    @discardableResult
    func moveWire() -> Bool {
        guard !isDirect else { return false }
        let toServer = TLSPair.move(clientEnds.second, serverEnds.first, wireBytesPerStep)
        let toClient = TLSPair.move(serverEnds.first, clientEnds.second, wireBytesPerStep)
        return toServer + toClient > 0
    }

    @discardableResult
    static func move(_ source: Int32, _ target: Int32, _ limit: Int) -> Int {
        var buffer = [UInt8](repeating: 0, count: min(limit, 65_536))
        let count = unsafe recv(source, &buffer, buffer.count, 0)
        guard count > 0 else { return 0 }
        return unsafe send(target, buffer, count, Int32(MSG_NOSIGNAL))
    }
}

/// Sends bytes through a session, from a different memory address at each call.
final class Sending {
    private let session: any TLSEnd
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8], through session: any TLSEnd) {
        self.session = session
        rest = bytes[...]
    }

    var isDone: Bool { rest.isEmpty }

    func step() throws {
        guard !isDone else { return }
        let copy = Array(rest)
        switch session.send(copy.rawSpan) {
        case .accepted(let count): rest = rest.dropFirst(count)
        case .wouldBlock: break
        case let other: throw TestFailure(description: "send: \(other)")
        }
    }
}

/// Collects the output of a session.
final class Receiving {
    private let session: any TLSEnd
    private let buffer: ReadBuffer
    private(set) var bytes: [UInt8] = []
    private(set) var last: TLSSession.ReadResult = .wouldBlock

    init(from session: any TLSEnd, bufferBytes: Int = 65_536) {
        self.session = session
        buffer = ReadBuffer(byteCount: bufferBytes)
    }

    /// One turn of a caller that relies on `hasPendingInput`.
    func step() {
        repeat {
            last = session.read(into: buffer)
            if case .bytes = last { buffer.withContent { bytes.append($0) } }
        } while session.hasPendingInput
    }
}

func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    unsafe arc4random_buf(&bytes, count)
    return bytes
}
