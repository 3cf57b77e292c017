// The receiving side of one WebSocket connection, at either end: bytes in, events out (RFC 6455 sections 5
// to 8). It is pulled: `receive` returns one event at a time until the input is used up, so the caller can stop in
// between, and answers what must be answered with FrameEncoder.
//
// An idle connection is an instance of this and nothing on the heap. A frame that came whole is unmasked from the
// read buffer into the event's payload, the one allocation there is. A frame that did not leaves its header in
// `stage` and its payload so far in `message` or `control`, which grow with what arrived, never with what was
// announced.

internal import Bytes

/// Decodes one peer's frames into events and checks every rule on the way.
///
/// Confined to the thread that owns the connection.
public struct ConnectionMachine: ~Copyable {
    /// Which end of the connection this is.
    public enum Role: Sendable { case server, client }

    private enum Stage {
        /// Between two frames, or inside a header.
        case header(HeaderSpill)
        /// Inside a payload; the header counts what is left of it.
        case payload(FrameHeader)
        /// A Close frame has come, or a violation.
        case closed
    }

    private var stage = Stage.header(HeaderSpill())
    private(set) var message = PartialMessage()
    /// The payload of a control frame; apart, because one may come between two fragments (section 5.4).
    private(set) var control: [UInt8] = []
    private let role: Role
    /// A message was too big: data frames are skipped up to the peer's Close.
    private var isDiscarding = false
    /// For compressed messages; nil if permessage-deflate was not agreed on.
    private let inflater: Inflater?

    /// A machine for a connection that has just been upgraded.
    ///
    /// - Parameter inflater: given if permessage-deflate was agreed on; one without context may serve many connections.
    public init(role: Role = .server, inflater: Inflater? = nil) {
        self.role = role
        self.inflater = inflater
    }

    /// Whether the peer may refer back to earlier messages, for which this end keeps a context.
    public var keepsDeflateContext: Bool { inflater?.keepsContext == true }

    /// Whether permessage-deflate was agreed on.
    public var inflates: Bool { inflater != nil }

    /// Bytes of memory held for a message or a control frame that has not wholly arrived.
    public var heldBytes: Int { message.bytes.capacity + control.capacity }

    /// Lets go of a message in progress; data is skipped from now on, up to the peer's Close frame.
    public mutating func discardMessage() {
        discard()
    }

    /// Returns the next event in `input` from `offset` on and moves `offset` behind it; nil when all is used up.
    ///
    /// After a Close frame and after a violation everything is ignored (sections 5.5.1 and 7.1.7): the machine is done, the
    /// caller closes. Only a message past the limits breaks no rule, and the closing handshake goes on as usual: all is skipped but
    /// the peer's Close frame. `limits` are the same for many connections and therefore not stored in each.
    public mutating func receive(
        _ input: RawSpan, from offset: inout Int, limits: Limits
    ) throws(ProtocolViolation) -> Event? {
        do throws(ProtocolViolation) {
            return try nextEvent(input, &offset, limits)
        } catch {
            if error.failsConnection { shut() } else { discard() }
            throw error
        }
    }

    private mutating func nextEvent(
        _ input: RawSpan, _ offset: inout Int, _ limits: Limits
    ) throws(ProtocolViolation) -> Event? {
        while true {
            switch stage {
            case .header(let spill):
                guard let header = try readHeader(spill, input, &offset) else { return nil }
                stage = .payload(header)
                try accept(header, limits)
            case .payload(let header):
                guard try readPayload(of: header, input, &offset) else { return nil }
                if let event = try finish(header, limits) { return event }
            case .closed:
                offset = input.byteCount
                return nil
            }
        }
    }

    /// Reads the next header; nil if it is not complete yet.
    private mutating func readHeader(
        _ spilled: HeaderSpill, _ input: RawSpan, _ offset: inout Int
    ) throws(ProtocolViolation) -> FrameHeader? {
        let allowsCompression = inflater != nil
        if spilled.isEmpty,
            let (header, byteCount) = try FrameHeader.decode(
                input.extracting(offset...), allowsCompression: allowsCompression)
        {
            offset += byteCount
            return header
        }
        var spill = spilled
        while offset < input.byteCount {
            let byte = input.byte(at: offset)
            offset += 1
            if let header = try spill.append(byte, allowsCompression: allowsCompression) { return header }
        }
        stage = .header(spill)
        return nil
    }

    /// Checks what a header alone does not show.
    private mutating func accept(_ header: FrameHeader, _ limits: Limits) throws(ProtocolViolation) {
        // The one rule that depends on the role: clients mask and servers do not (section 5.1).
        guard header.isMasked == (role == .server) else {
            guard role == .server else { throw .maskedFrame }
            throw header.opcode == .close ? .unmaskedClose : .unmaskedFrame
        }
        if !header.opcode.isControl, !isDiscarding { try message.begin(header, limits) }
    }

    /// Takes what is there of a frame's payload; whether that completes it.
    private mutating func readPayload(
        of header: FrameHeader, _ input: RawSpan, _ offset: inout Int
    ) throws(ProtocolViolation) -> Bool {
        let piece = input.extracting(offset...).extracting(first: header.payloadBytes)
        offset += piece.byteCount
        let isComplete = piece.byteCount == header.payloadBytes
        stage = isComplete ? .header(HeaderSpill()) : .payload(header.behind(piece.byteCount))
        if header.opcode.isControl {
            Masking.append(piece, key: header.maskingKey, to: &control)
        } else if !isDiscarding {
            try message.append(piece, key: header.maskingKey)
        }
        return isComplete
    }

    /// The event of a complete frame; nil if it is skipped.
    private mutating func finish(_ header: FrameHeader, _ limits: Limits) throws(ProtocolViolation) -> Event? {
        guard header.opcode.isControl else {
            guard !isDiscarding else { return nil }
            return header.isFinal ? try message.finish(inflater, limits) : .fragment
        }
        let payload = control
        control = []
        guard !isDiscarding || header.opcode == .close else { return nil }
        switch header.opcode {
        case .ping: return .ping(payload)
        case .pong: return .pong(payload)
        default:
            let frame = try CloseFrame.decode(payload.rawSpan)
            shut()
            return .close(frame)
        }
    }

    /// Skips data from now on, and holds none.
    private mutating func discard() {
        isDiscarding = true
        message = PartialMessage()
    }

    /// Ignores everything from now on, and holds nothing.
    private mutating func shut() {
        stage = .closed
        message = PartialMessage()
        control = []
    }
}
