internal import COpenSSL
internal import CUV
internal import Glibc

/// Checks the compact record layer at start-up, before anything depends on it.
///
/// For each version and cipher, and in both roles, it must read OpenSSL's records, and OpenSSL must read its own.
public enum TLSRecordCheck {
    struct Suite {
        let version: Int32
        let cipher: String
    }

    static let suites = [
        Suite(version: TLS1_2_VERSION, cipher: "ECDHE-ECDSA-AES128-GCM-SHA256"),
        Suite(version: TLS1_2_VERSION, cipher: "ECDHE-ECDSA-AES256-GCM-SHA384"),
        Suite(version: TLS1_2_VERSION, cipher: "ECDHE-ECDSA-CHACHA20-POLY1305"),
        Suite(version: TLS1_3_VERSION, cipher: "TLS_AES_128_GCM_SHA256"),
        Suite(version: TLS1_3_VERSION, cipher: "TLS_AES_256_GCM_SHA384"),
        Suite(version: TLS1_3_VERSION, cipher: "TLS_CHACHA20_POLY1305_SHA256"),
    ]
    /// One byte, a full record, one byte more than that, several records.
    private static let sizes = [1, 16_384, 16_385, 40_000]

    /// Runs the check, which takes a few milliseconds.
    public static func run() throws(TLSFailure) {
        for suite in suites {
            for (client, server) in [(TLSRecords.compact, TLSRecords.openssl), (.openssl, .compact)] {
                try check(suite, client: client, server: server)
            }
        }
    }

    static func check(_ suite: Suite, client: TLSRecords, server: TLSRecords) throws(TLSFailure) {
        let pair = try TLSCheckPair(client: client, server: server)
        try pair.shakeHands(suite)
        for size in sizes {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ size) }
            guard pair.carriesUp(bytes), pair.carriesDown(bytes) else {
                throw .library(operation: "TLSRecordCheck", reason: "\(suite.cipher): \(size) bytes were not carried")
            }
        }
        guard pair.ends() else {
            throw .library(operation: "TLSRecordCheck", reason: "\(suite.cipher): no close_notify")
        }
    }
}

/// A client and a server, connected by a socket pair.
private final class TLSCheckPair {
    private let descriptors: (client: Int32, server: Int32)
    private let client: TLSSession
    private let server: TLSSession
    private let output: TLSOutput
    private let buffer = ReadBuffer(byteCount: 65_536)

    init(client: TLSRecords, server: TLSRecords) throws(TLSFailure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe socketpair(AF_UNIX, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0, &ends) == 0 else {
            throw .library(operation: "socketpair", reason: OpenSSLError.words(errno: errno))
        }
        descriptors = (ends[0], ends[1])
        do throws(TLSFailure) {
            output = try TLSOutput()
            self.client = try TLSSession(
                context: TLSContext(checking: .client, client), connected: ends[0], to: "localhost")
            self.server = try TLSSession(
                context: TLSContext(checking: .server, server), accepted: ends[1], output: output)
        } catch {
            for end in ends { Socket.close(end) }
            throw error
        }
    }

    deinit {
        Socket.close(descriptors.client)
        Socket.close(descriptors.server)
    }

    func shakeHands(_ suite: TLSRecordCheck.Suite) throws(TLSFailure) {
        if let raw = unsafe client.handshaking?.raw {
            unsafe SSL_ctrl(raw, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(suite.version), nil)
            let isSet =
                unsafe suite.version == TLS1_3_VERSION
                ? SSL_set_ciphersuites(raw, suite.cipher) : SSL_set_cipher_list(raw, suite.cipher)
            guard isSet == 1 else { throw .library(operation: "TLSRecordCheck", reason: "no \(suite.cipher)") }
        }
        for _ in 0..<10 {
            let results = (client.handshake(), server.handshake())
            sendOutput()
            if results == (.done, .done) { return }
        }
        throw .library(operation: "TLSRecordCheck", reason: "\(suite.cipher): no handshake")
    }

    private func sendOutput() {
        let part = server.takeOutput()
        _ = output.send(part)
        output.release(part)
    }

    func carriesUp(_ bytes: [UInt8]) -> Bool {
        unsafe client.send(bytes.span.bytes) == .accepted(bytes.count) && content(of: server, bytes.count) == bytes
    }

    func carriesDown(_ bytes: [UInt8]) -> Bool {
        unsafe server.seal(bytes.span.bytes)
        guard server.finishSealing() else { return false }
        sendOutput()
        return content(of: client, bytes.count) == bytes
    }

    private func content(of session: TLSSession, _ count: Int) -> [UInt8] {
        var content: [UInt8] = []
        while content.count < count, case .bytes = session.read(into: buffer) {
            buffer.withContent { bytes in unsafe bytes.withUnsafeBytes { unsafe content.append(contentsOf: $0) } }
        }
        return content
    }

    func ends() -> Bool {
        client.closeNotify()
        return server.read(into: buffer) == .endOfStream
    }
}
