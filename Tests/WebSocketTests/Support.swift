import Bytes
import TestSupport
import Testing
import WebSocket

typealias Event = ConnectionMachine.Event
typealias Limits = ConnectionMachine.Limits

extension Limits {
    static let generous = Limits(maxMessageBytes: 1 << 20, maxFragments: 1_000)
}

/// How a test frame encodes its length.
enum LengthForm { case minimal, bits16, bits64 }

/// A frame as a client sends it, byte by byte from RFC 6455 section 5.2; it can break any rule.
func clientFrame(
    _ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, reserved: UInt8 = 0,
    key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D], form: LengthForm = .minimal
) -> [UInt8] {
    frameHeader(opcode, payload.count, fin: fin, reserved: reserved, key: key, form: form)
        + payload.enumerated().map { index, byte in key.map { byte ^ $0[index % 4] } ?? byte }
}

/// The header alone, also for payloads that are never sent.
func frameHeader(
    _ opcode: UInt8, _ payloadBytes: Int, fin: Bool = true, reserved: UInt8 = 0,
    key: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D], form: LengthForm = .minimal
) -> [UInt8] {
    var bytes = [(fin ? 0x80 : 0) | reserved << 4 | opcode]
    let maskBit: UInt8 = key == nil ? 0 : 0x80
    func bigEndian(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: payloadBytes >> (8 * (count - 1 - $0))) }
    }
    if form == .minimal, payloadBytes <= 125 {
        bytes.append(maskBit | UInt8(payloadBytes))
    } else if form == .bits16 || (form == .minimal && payloadBytes <= 0xFFFF) {
        bytes += [maskBit | 126] + bigEndian(2)
    } else {
        bytes += [maskBit | 127] + bigEndian(8)
    }
    return bytes + (key ?? [])
}

func text(_ string: String, fin: Bool = true) -> [UInt8] { clientFrame(0x1, Array(string.utf8), fin: fin) }
func more(_ string: String, fin: Bool) -> [UInt8] { clientFrame(0x0, Array(string.utf8), fin: fin) }

extension Event {
    static func text(_ string: String) -> Event { .text(Array(string.utf8)) }
}

/// All output of a machine.
struct Outcome: Equatable {
    var events: [Event] = []
    var violation: ProtocolViolation?
    /// The number of bytes fed when the violation was found.
    var violationOffset: Int?

    static func == (left: Outcome, right: Outcome) -> Bool {
        left.events == right.events && left.violation == right.violation
    }
}

/// Feeds `bytes` to a new machine in pieces that end at `cuts`.
func feed(
    _ bytes: [UInt8], cuts: [Int] = [], limits: Limits = .generous, role: ConnectionMachine.Role = .server,
    inflater: Inflater? = nil
) -> Outcome {
    var machine = ConnectionMachine(role: role, inflater: inflater)
    var outcome = Outcome()
    var start = 0
    for end in cuts + [bytes.count] {
        var offset = 0
        var isUsedUp = false
        while !isUsedUp {
            do throws(ProtocolViolation) {
                let piece = bytes.rawSpan.extracting(start..<end)
                while let event = try machine.receive(piece, from: &offset, limits: limits) {
                    if event != .fragment { outcome.events.append(event) }
                }
                if offset != end - start { Issue.record("returned nil with input left") }
                isUsedUp = true
            } catch {
                if outcome.violation != nil { Issue.record("a dead machine threw again") }
                outcome.violation = error
                outcome.violationOffset = end
            }
        }
        start = end
    }
    return outcome
}

/// Checks `bytes` fed at once, byte by byte, and split in two at every place (of long input, at some).
func expect(
    _ bytes: [UInt8], gives expected: [Event], then violation: ProtocolViolation? = nil,
    limits: Limits = .generous, compressing: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) {
    let outcome = Outcome(events: expected, violation: violation)
    let inflater = compressing ? Inflater() : nil
    #expect(feed(bytes, limits: limits, inflater: inflater) == outcome, "whole", sourceLocation: sourceLocation)
    let everywhere = Array(0...bytes.count)
    let single = feed(bytes, cuts: everywhere, limits: limits, inflater: inflater)
    #expect(single == outcome, "byte by byte", sourceLocation: sourceLocation)
    let step = 1 + bytes.count / 600
    for cut in everywhere where cut < 32 || bytes.count - cut < 32 || cut % step == 0 {
        let isEqual = feed(bytes, cuts: [cut], limits: limits, inflater: inflater) == outcome
        if !isEqual { Issue.record("cut at \(cut)", sourceLocation: sourceLocation) }
    }
}

extension SeededGenerator {
    mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }
}
