import Bytes
import HTTP
import WebSocket

/// The conversation of a WebSocket's two ends, including the handshake: bytes in, lines and bytes out.
struct Conversation: ~Copyable {
    /// How the conversation ended.
    enum Verdict: Equatable {
        case clean
        /// Failed, with the problem in one line.
        case failed(String)
    }

    private static let limits = ConnectionMachine.Limits(maxMessageBytes: 1 << 28, maxFragments: 1 << 20)

    /// Output that has not been sent yet.
    var output: [UInt8]
    /// Nil until the conversation ends; after that nothing is received, but output may be left.
    private(set) var verdict: Verdict?
    private let handshake: ClientHandshake
    private var responses = ResponseHeadParser()
    /// A response that refuses the handshake, while its content arrives.
    private var refusal: Refusal?
    /// Nil until the handshake is done.
    private var machine: ConnectionMachine?
    private var deflater: Deflater?
    private var keys = MaskingKeys()
    private var hasSentClose = false

    /// Starts with the handshake's request as output.
    init(_ handshake: ClientHandshake) {
        self.handshake = handshake
        output = handshake.request
    }

    /// Whether the handshake is done.
    var isEstablished: Bool { machine != nil }

    /// Whether messages may be sent.
    var isOpen: Bool { isEstablished && !isClosing }

    /// Whether only the end can follow.
    var isClosing: Bool { hasSentClose || verdict != nil }

    /// Handles received bytes and returns the lines to print.
    mutating func receive(_ content: RawSpan) -> [UInt8] {
        guard verdict == nil else { return [] }
        var offset = 0
        var lines: [UInt8] = []
        do {
            try open(content, &offset)
            while let event = try machine?.receive(content, from: &offset, limits: Conversation.limits) {
                handle(event, &lines)
            }
        } catch let violation as ProtocolViolation {
            close(violation.closeCode, reason: violation.reason)
            fail("\(violation.reason) (closed with \(violation.closeCode.rawValue))")
        } catch let violation as ResponseViolation {
            fail(violation.message)
        } catch let failure as ClientHandshake.Failure {
            fail(failure.message)
        } catch {
            fail("\(error)")
        }
        return lines
    }

    /// Sends a message: text if it is UTF-8, binary otherwise.
    mutating func send(_ message: [UInt8]) {
        let opcode: Opcode = UTF8Validator.isValid(message.rawSpan) ? .text : .binary
        let isWorthIt = message.count >= Deflater.thresholdBytes
        if isWorthIt, let compressed = deflater?.deflate(message.rawSpan) {
            FrameEncoder.appendMaskedFrame(opcode, rsv1: true, compressed.rawSpan, key: keys.next(), to: &output)
        } else {
            FrameEncoder.appendMaskedFrame(opcode, message.rawSpan, key: keys.next(), to: &output)
        }
    }

    /// Sends a Close frame, unless one was sent.
    mutating func close(_ code: CloseCode, reason: String = "") {
        guard !hasSentClose else { return }
        hasSentClose = true
        FrameEncoder.appendMaskedClose(code, reason: reason, key: keys.next(), to: &output)
    }

    /// Ends the conversation; the first problem counts.
    mutating func fail(_ problem: String) {
        if verdict == nil { verdict = .failed(problem) }
    }

    /// Ends the conversation with the server's refusal, if there is one, or else with `problem`.
    mutating func stop(_ problem: String) {
        fail(refusal?.problem ?? problem)
    }

    /// Reads responses to the handshake up to the final one.
    private mutating func open(_ content: RawSpan, _ offset: inout Int) throws {
        while !isEstablished, refusal == nil, let response = try responses.next(content, from: &offset) {
            if response.isInterim { continue }
            guard response.status == 101 else {
                refusal = Refusal(response)
                break
            }
            let agreement = try handshake.check(response)
            // RFC 6455 allows a server to choose none; browsers then fail the connection, and so does this client.
            guard agreement.subprotocol != nil || handshake.subprotocols.isEmpty else {
                return fail(
                    "the server speaks none of the subprotocols: \(handshake.subprotocols.joined(separator: ", "))")
            }
            machine = ConnectionMachine(role: .client, inflater: agreement.deflates ? Inflater() : nil)
            deflater = agreement.deflates ? Deflater(window: .bits12) : nil
        }
        guard refusal != nil else { return }
        refusal?.receive(content.extracting(offset...))
        if let refusal, refusal.isComplete { fail(refusal.problem) }
    }

    private mutating func handle(_ event: ConnectionMachine.Event, _ lines: inout [UInt8]) {
        switch event {
        case .text(let bytes):
            for (index, part) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
                if index > 0 { lines.append(contentsOf: "\\n".utf8) }
                lines.append(contentsOf: part)
            }
            lines.append(0x0A)
        case .binary(let bytes):
            lines.append(contentsOf: "base64:".utf8)
            Base64.encode(bytes.rawSpan, to: &lines)
            lines.append(0x0A)
        case .ping(let payload):
            if !hasSentClose { FrameEncoder.appendMaskedFrame(.pong, payload.rawSpan, key: keys.next(), to: &output) }
        case .pong, .fragment: break
        case .close(let frame): closed(frame)
        }
    }

    /// Answers the server's Close frame with its code (RFC 6455 section 5.5.1).
    private mutating func closed(_ frame: CloseFrame?) {
        guard let frame else {
            let nothing: [UInt8] = []
            if !hasSentClose { FrameEncoder.appendMaskedFrame(.close, nothing.rawSpan, key: keys.next(), to: &output) }
            hasSentClose = true
            return verdict = .clean
        }
        close(frame.code)
        let isClean = frame.code == .normal || frame.code == .goingAway
        // The reason comes from the server; it is escaped so that it stays on one line.
        verdict =
            isClean ? .clean : .failed("the server closed with \(frame.code.rawValue) \(frame.reason.debugDescription)")
    }
}
