import Bytes
import COpenSSL
import Glibc

@testable import TLSRecord
@testable import WSLoop

/// Sits between a TLS 1.2 client with AES-128-GCM and its server, and puts each byte of the client's Finished into a
/// record.
final class FinishedCutter {
    private let pair: TLSPair
    private let ciphers = RecordCiphers()
    private var keys: (opening: TrafficKeys, sealing: TrafficKeys)?
    private(set) var cutRecords = 0

    init(_ pair: TLSPair) throws {
        self.pair = pair
    }

    /// Forwards the client's output, which must be complete records.
    func moveToServer() throws {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe recv(pair.clientEnds.second, &bytes, bytes.count, 0)
        var rest = bytes[..<max(count, 0)]
        while !rest.isEmpty {
            let first = rest.startIndex
            let length = 5 + (Int(rest[first + 3]) << 8 | Int(rest[first + 4]))
            try move(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
    }

    private func move(_ record: [UInt8]) throws {
        guard let keys else {
            send(record)
            if record[0] == 20 { keys = (try clientKeys(), try clientKeys()) }
            return
        }
        var opened = record
        guard unsafe opened.withUnsafeMutableBytes({ unsafe keys.opening.protect($0, .opening, with: ciphers) }) else {
            throw TestFailure(description: "a record of the client cannot be opened")
        }
        let content = opened[13..<record.count - 16]
        guard record[0] == 22 else { return try sendSealed(record[0], Array(content), keys.sealing) }
        for byte in content {
            try sendSealed(22, [byte], keys.sealing)
            cutRecords += 1
        }
    }

    private func sendSealed(_ type: UInt8, _ content: [UInt8], _ keys: TrafficKeys) throws {
        let length = 8 + content.count + 16
        var record = [type, 3, 3, UInt8(length >> 8), UInt8(length & 255)]
        record += randomBytes(8) + content + [UInt8](repeating: 0, count: 16)
        guard unsafe record.withUnsafeMutableBytes({ unsafe keys.protect($0, .sealing, with: ciphers) }) else {
            throw TestFailure(description: "a record cannot be sealed")
        }
        send(record)
    }

    private func send(_ bytes: [UInt8]) {
        _ = unsafe Glibc.send(pair.serverEnds.first, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    private func clientKeys() throws -> TrafficKeys {
        var master = [UInt8](repeating: 0, count: 48)
        var randoms = [UInt8](repeating: 0, count: 64)
        let raw = unsafe pair.client.raw
        _ = unsafe SSL_SESSION_get_master_key(SSL_get_session(raw), &master, 48)
        unsafe randoms.withUnsafeMutableBufferPointer { randoms in
            guard let base = randoms.baseAddress else { return }
            _ = unsafe SSL_get_server_random(raw, base, 32)
            _ = unsafe SSL_get_client_random(raw, base + 32, 32)
        }
        let suite = RecordSuite(version: .tls12, aead: .aes128GCM, hash: .sha256)
        let keys = TrafficKeys.pair(suite, masterSecret: master, randoms: randoms, sequences: (0, 0))
        guard let keys else { throw TestFailure(description: "no keys") }
        return keys.client
    }
}
