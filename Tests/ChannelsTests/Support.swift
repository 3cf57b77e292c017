import Bytes
import TestSupport
import Testing
import WebSocket

@testable import Channels

extension SeededGenerator {
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Adds the channel's name to each message, and has notices.
struct NamingEncoder: MessageEncoder {
    /// Those of a `World`: with index 0 subscribers get the published bytes.
    static let encoders: [(any MessageEncoder)?] = [
        nil, NamingEncoder(), NamingEncoder(isFramed: false), NamingEncoder(isFramed: false, isPrefixed: true),
    ]

    var isFramed = true
    var isPrefixed = false

    static func text(_ channel: String, _ payload: String) -> String { "\(channel): \(payload)" }

    func encode(_ message: Message, into text: inout [UInt8]) {
        text += NamingEncoder.text(message.channel, String(decoding: message.payload, as: UTF8.self)).utf8
    }

    func encode(_ notice: DeliveryNotice, of channel: String, into text: inout [UInt8]) -> Bool {
        switch notice {
        case .missed(let count): text += "missed of \(channel): \(count)".utf8
        case .lost(let position): text += "lost in \(channel), next is after \(position)".utf8
        case .gap(let seconds): text += "gap in \(channel): \(seconds) s".utf8
        case .event(let name, let event): text += "\(name) in \(channel): ".utf8 + event
        case .subscriptions(let count): text += "subscriptions of \(channel): \(count)".utf8
        }
        return true
    }
}

extension WireForm {
    /// What `NamingEncoder` writes.
    static func naming(deflated window: DeflateWindow? = nil) -> WireForm { WireForm(encoder: 1, deflated: window) }
    /// What `NamingEncoder` writes, without a frame.
    static let bare = WireForm(encoder: 2)
    /// What `NamingEncoder` writes, without a frame, behind a prefix.
    static let prefixed = WireForm(encoder: 3)
    var isNaming: Bool { encoder == 1 }
}

/// A frame as a server sends it (RFC 6455 section 5.2): unmasked, final, with the shortest length encoding.
func serverFrame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let count = payload.count
    let lengthBytes = count <= 125 ? 0 : count <= 0xFFFF ? 2 : 8
    let length = lengthBytes == 0 ? [UInt8(count)] : [lengthBytes == 2 ? 126 : 127]
    let extended = (0..<lengthBytes).map { UInt8(truncatingIfNeeded: count >> (8 * (lengthBytes - 1 - $0))) }
    return [0x80 | opcode] + length + extended + payload
}

func textFrame(_ text: String) -> [UInt8] { serverFrame(1, Array(text.utf8)) }

func textFrames(_ texts: String...) -> [UInt8] { texts.flatMap { textFrame($0) } }

/// Splits a connection's bytes into the payloads of complete frames and the rest.
func parseFrames(_ bytes: [UInt8]) -> (texts: [String], rest: [UInt8]) {
    var texts: [String] = []
    var rest = bytes[...]
    while rest.count >= 2 {
        var header = 2
        var length = Int(rest[rest.startIndex + 1])
        if length >= 126 {
            header = length == 126 ? 4 : 10
            guard rest.count >= header else { break }
            length = rest.dropFirst(2).prefix(header - 2).reduce(0) { $0 << 8 | Int($1) }
        }
        guard rest.count >= header + length else { break }
        let payload = Array(rest.dropFirst(header).prefix(length))
        let isCompressed = rest[rest.startIndex] & 0x40 != 0
        let text = isCompressed ? try? Inflater().inflate(payload.rawSpan, maxBytes: 1 << 20) : payload
        texts.append(String(decoding: text ?? [], as: UTF8.self))
        rest = rest.dropFirst(header + length)
    }
    return (texts, Array(rest))
}

func message(_ channel: String, _ text: String, at nanoseconds: UInt64 = 0) -> Message {
    Message(channel: channel, payload: Array(text.utf8), receivedNanoseconds: nanoseconds)
}

extension Hub {
    func deliver(_ channel: String, _ texts: String...) {
        for text in texts { deliver(message(channel, text)) }
    }

    func reply(_ slot: UInt32, _ text: String) {
        reply(slot) { $0 += textFrame(text) }
    }

    /// The kernel has room for a connection again, and the turn ends.
    func makeRoom(_ slot: UInt32) {
        writable(slot)
        flush()
    }

    /// Adds a connection that is subscribed to `channels`.
    func connect(_ link: Int32, _ channels: String..., form: WireForm = WireForm()) -> UInt32 {
        let slot = add(link: link)
        setForm(form, of: slot)
        for channel in channels { join(slot, channel) }
        return slot
    }

    /// The batch that the next message or reply will use.
    func nextBatch() -> WeakBatch {
        let batch = subscribers.pool.batch(.messages)
        let reference = WeakBatch(batch: batch)
        subscribers.pool.give(consume batch)
        return reference
    }

    /// The memory addresses of a connection's queued pieces.
    func pieceAddresses(of slot: UInt32) -> [Int] {
        var addresses: [Int] = []
        subscribers[slot].outbox?.forEachPiece {
            addresses.append(unsafe $0.withUnsafeBytes { Int(bitPattern: $0.baseAddress) })
            return true
        }
        return addresses
    }
}

extension Outbox {
    func append(_ batch: Batch, from start: Int = 0) { append(batch, start..<batch.byteCount) }
}

/// Observes the fate of a batch.
struct WeakBatch {
    weak var batch: Batch?

    /// Whether it is still allocated, empty or not.
    var isAlive: Bool { batch != nil }
    var byteCount: Int { batch?.byteCount ?? 0 }
}

extension DeliveryCounts {
    /// Every message for every subscriber is counted in exactly one of these.
    var droppedBySlowConsumers: Int { DropCause.allCases.reduce(0) { $0 + dropped[$1.rawValue] } }
    var settled: Int { deliveries + droppedBySlowConsumers + droppedByClosing }
}

/// Numbers the messages of its subscriber.
final class NumberPrefix: MessagePrefix {
    private var last = 0

    func append(before message: Message, to text: inout [UInt8]) {
        last += 1
        text += "\(last) ".utf8
    }
}
