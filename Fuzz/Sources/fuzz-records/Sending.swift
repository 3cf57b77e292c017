import FuzzSupport

@testable import TLSRecord

/// The rest of the input; returns zeros at its end.
struct Script {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isOver: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// Reads a count from one byte and then that many bytes.
    mutating func bytes() -> [UInt8] {
        let count = Int(byte())
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }
}

/// The content of a record.
struct SealedRecord {
    let plaintext: [UInt8]
    /// The number of key changes before it.
    let generation: Int
    let sequence: UInt64
}

/// A peer that sends what a script says.
final class Sending {
    private(set) var bytes: [UInt8] = []
    /// All records that exist, also those that were not sent, by their bytes.
    private(set) var sealed: [[UInt8]: SealedRecord] = [:]

    private let suite: RecordSuite
    private let keys: TrafficKeys
    private let ciphers = RecordCiphers()
    private var sealer: RecordSealer
    private var sent: [[UInt8]] = []
    private var generation = 0
    private var longRecords = 0

    init(_ suite: RecordSuite) {
        self.suite = suite
        keys = makeKeys(suite)
        sealer = RecordSealer(keys)
    }

    func send(_ script: inout Script) {
        while !script.isOver {
            let step = script.byte()
            let more = Int(step >> 3)
            switch step & 7 {
            case 0: bytes += script.bytes()
            case 1: send(seal(.applicationData, script.bytes()))
            case 2: send(seal(.alert, [script.byte(), script.byte()]))
            case 3: send(seal(.handshake, script.bytes()))
            case 4: sendKeyUpdate(script.byte())
            case 5: send(seal(anyType: script.byte(), script.bytes(), padding: more))
            case 6: sendLong(script.byte(), Int(script.byte()) << 8 | Int(script.byte()), isPadded: more % 2 == 1)
            default: breakRules(more, Int(script.byte()))
            }
        }
    }

    private func send(_ record: [UInt8]) {
        sent.append(record)
        bytes += record
    }

    private func sendKeyUpdate(_ request: UInt8) {
        sealer.askForKeyUpdate()
        let message = sealer.dueKeyUpdate
        expectEqual(message != nil, suite.version == .tls13, "a key update is due")
        send(seal(.handshake, (message ?? [24, 0, 0, 1, 0]).dropLast() + [request]))
        changeKeys()
    }

    private func changeKeys() {
        guard suite.version == .tls13 else { return }
        expect(sealer.changeKeys(), "no keys")
        expectEqual(sealer.dueKeyUpdate, nil, "a key update is due")
        generation += 1
    }

    /// Sends one record near the size limits; more would only take time.
    private func sendLong(_ type: UInt8, _ count: Int, isPadded: Bool) {
        longRecords += 1
        guard longRecords == 1 else { return }
        let count = count % 18_500
        let content = [UInt8](repeating: 7, count: isPadded ? count / 2 : count)
        send(seal(anyType: type, content, padding: isPadded ? count - count / 2 : 0))
    }

    private func breakRules(_ rule: Int, _ choice: Int) {
        switch rule % 4 {
        case 0: if !sent.isEmpty { bytes += sent[choice % sent.count] }
        case 1: if !bytes.isEmpty { bytes[bytes.count - 1 - choice % bytes.count] ^= UInt8(1 << (rule / 4)) }
        case 2: changeKeys()
        default: _ = seal(.applicationData, [UInt8(choice)])
        }
    }

    private func seal(_ type: ContentType, _ content: [UInt8]) -> [UInt8] {
        let (sequence, trailerBytes) = (keys.sequence, sealer.trailerBytes)
        var record = [UInt8](repeating: 0xAA, count: sealer.contentOffset) + content
        record += [UInt8](repeating: 0xAA, count: trailerBytes)
        let isSealed = unsafe record.withUnsafeMutableBytes { bytes in
            var span = unsafe bytes.mutableBytes
            return sealer.seal(type, &span, with: ciphers)
        }
        expect(isSealed, "a record that was not made")
        note(record, suite.version == .tls13 ? content + [type.rawValue] : content, sequence)
        return record
    }

    /// Bypasses the sealer, which would not make such a record.
    private func seal(anyType type: UInt8, _ content: [UInt8], padding: Int) -> [UInt8] {
        let isTLS13 = suite.version == .tls13
        let sequence = keys.sequence
        let plaintext = isTLS13 ? content + [type] + [UInt8](repeating: 0, count: padding) : content
        let protectedBytes = suite.explicitNonceBytes + plaintext.count + RecordSuite.tagBytes
        var record = [isTLS13 ? 23 : type, 3, 3, UInt8(protectedBytes >> 8), UInt8(protectedBytes & 0xFF)]
        record += [UInt8](repeating: 0xBB, count: suite.explicitNonceBytes) + plaintext
        record += [UInt8](repeating: 0, count: RecordSuite.tagBytes)
        // Reusing an explicit nonce is harmless here.
        expect(
            unsafe record.withUnsafeMutableBytes { unsafe keys.protect($0, .sealing, with: ciphers) },
            "a record that was not made")
        note(record, plaintext, sequence)
        return record
    }

    private func note(_ record: [UInt8], _ plaintext: [UInt8], _ sequence: UInt64) {
        sealed[record] = SealedRecord(plaintext: plaintext, generation: generation, sequence: sequence)
    }
}
