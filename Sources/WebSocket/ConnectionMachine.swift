// The receiving side of one WebSocket connection, client or server: bytes in, events out (RFC 6455 sections 5 to 8).
// `receive` returns one event at a time until the input is used up. The caller can stop in between, and sends the
// necessary answers with FrameEncoder.
//
// An idle connection is an instance of this type and holds nothing on the heap. A complete frame is unmasked from the
// read buffer into the event's payload, which is the only allocation. For an incomplete frame the header is kept in
// `stage` and the payload so far in `message` or `control`. They grow with the bytes that arrive, never with an
// announced length.

internal import Bytes

/// Decodes a peer's frames into events and checks every rule of the protocol.
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
        /// A Close frame or a violation ended the input.
        case closed
    }

    private var stage = Stage.header(HeaderSpill())
    private(set) var message = PartialMessage()
    /// The payload of a control frame, kept apart because it may come between two fragments (section 5.4).
    private(set) var control: [UInt8] = []
    private let role: Role
    /// A message was too big: data frames are skipped until the peer's Close frame.
    private var isDiscarding = false
    /// Decompresses messages; nil if permessage-deflate was not agreed on.
    private let inflater: Inflater?

    /// A machine for a new connection, after its handshake.
    ///
    /// - Parameter inflater: the decompressor, if permessage-deflate was agreed on; one without context may be shared.
    public init(role: Role = .server, inflater: Inflater? = nil) {
        self.role = role
        self.inflater = inflater
    }

    /// Whether the peer may refer back to earlier messages, which costs this end a context.
    public var keepsDeflateContext: Bool { inflater?.keepsContext == true }

    /// Whether permessage-deflate was agreed on.
    public var inflates: Bool { inflater != nil }

    /// Bytes of memory held for an incomplete message or control frame.
    public var heldBytes: Int { message.bytes.capacity + control.capacity }

    /// Drops a message in progress and skips data from now on, up to the peer's Close frame.
    public mutating func discardMessage() {
        discard()
    }

    /// Returns the next event in `input` from `offset` on and moves `offset` past it; nil when the input is used up.
    ///
    /// After a Close frame or a violation all input is ignored (sections 5.5.1 and 7.1.7) and the caller closes the
    /// connection. A message over the limits is no violation of the protocol: the closing handshake proceeds, and
    /// everything except the peer's Close frame is skipped. `limits` is a parameter because many connections share the
    /// same ones.
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

    /// Checks the rules that the header alone does not decide.
    private mutating func accept(_ header: FrameHeader, _ limits: Limits) throws(ProtocolViolation) {
        // The one rule that depends on the role: clients mask, servers do not (section 5.1).
        guard header.isMasked == (role == .server) else {
            guard role == .server else { throw .maskedFrame }
            throw header.opcode == .close ? .unmaskedClose : .unmaskedFrame
        }
        if !header.opcode.isControl, !isDiscarding { try message.begin(header, limits) }
    }

    /// Reads the available part of a frame's payload; returns whether the payload is complete.
    private mutating func readPayload(
        of header: FrameHeader, _ input: RawSpan, _ offset: inout Int
    ) throws(ProtocolViolation) -> Bool {
        let piece = input.extracting(offset...).extracting(first: header.payloadBytes)
        offset += piece.byteCount
        let isComplete = piece.byteCount == header.payloadBytes
        stage = isComplete ? .header(HeaderSpill()) : .payload(header.rest(after: piece.byteCount))
        if header.opcode.isControl {
            Masking.append(piece, key: header.maskingKey, to: &control)
        } else if !isDiscarding {
            try message.append(piece, key: header.maskingKey)
        }
        return isComplete
    }

    /// The event of a complete frame; nil if the frame is skipped.
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

    /// Skips data from now on and frees the message.
    private mutating func discard() {
        isDiscarding = true
        message = PartialMessage()
    }

    /// Ignores all input from now on and frees all memory.
    private mutating func shut() {
        stage = .closed
        message = PartialMessage()
        control = []
    }
}
