internal import Bytes
internal import HTTP
internal import WebSocket

/// One subscriber, from the handshake to the end: bytes in, bytes out; it counts the messages.
final class Subscriber {
    /// A change of the connection's state.
    enum Change: Equatable {
        /// The handshake is done.
        case opened
        /// The connection was refused, for this reason.
        case refused(String)
        /// The open connection broke, for this reason.
        case lost(String)
        /// The connection ended after it was closed on purpose.
        case closed
    }

    private enum Stage { case opening, open, closing, over }

    let channel: Int
    /// The number of the run's messages received.
    private(set) var arrived = 0
    /// Output that has not been sent yet.
    private(set) var output: [UInt8]
    /// Whether the handshake was ever completed.
    private(set) var wasOpened = false
    private var stage = Stage.opening
    private let limits: ConnectionMachine.Limits
    private var handshake: ClientHandshake?
    private var responses: ResponseHeadParser?
    private var machine = ConnectionMachine(role: .client)

    /// Makes a subscriber with the handshake's request as output.
    init(_ handshake: ClientHandshake, channel: Int, limits: ConnectionMachine.Limits) {
        self.handshake = handshake
        self.channel = channel
        self.limits = limits
        output = handshake.request
        responses = ResponseHeadParser()
    }

    /// Whether the handshake is still in progress.
    var isOpening: Bool { stage == .opening }

    /// Removes output that the kernel has accepted.
    func outputTaken(_ count: Int) { output.removeFirst(count) }

    /// Handles input from `offset` on and counts its messages; stops at the first change.
    func receive(
        _ content: RawSpan, from offset: inout Int, atNanoseconds now: UInt64, stamp: Stamp,
        keys: inout MaskingKeys, tally: Tally
    ) -> Change? {
        do {
            if stage == .opening { return try open(content, &offset) ? .opened : nil }
            while stage != .over, let event = try machine.receive(content, from: &offset, limits: limits) {
                switch event {
                case .text(let bytes), .binary(let bytes): count(bytes, now, stamp, tally)
                case .ping(let payload):
                    FrameEncoder.appendMaskedFrame(.pong, payload.rawSpan, key: keys.next(), to: &output)
                case .pong, .fragment: break
                case .close(let frame): if let change = closed(frame, &keys) { return change }
                }
            }
            return nil
        } catch let violation as ProtocolViolation {
            FrameEncoder.appendMaskedClose(violation.closeCode, key: keys.next(), to: &output)
            return ended(violation.reason)
        } catch let violation as ResponseViolation {
            return ended(violation.message)
        } catch let failure as ClientHandshake.Failure {
            return ended(failure.message)
        } catch {
            return ended("\(error)")
        }
    }

    /// Starts to close the connection; returns false if it is not open.
    func close(keys: inout MaskingKeys) -> Bool {
        guard stage == .open else { return false }
        stage = .closing
        FrameEncoder.appendMaskedClose(.normal, key: keys.next(), to: &output)
        return true
    }

    /// The connection has ended, or must be ended, for that reason.
    func ended(_ reason: String) -> Change? {
        defer { stage = .over }
        return switch stage {
        case .opening: .refused(reason)
        case .open: .lost(reason)
        case .closing: .closed
        case .over: nil
        }
    }

    private func open(_ content: RawSpan, _ offset: inout Int) throws -> Bool {
        while let response = try responses?.next(content, from: &offset) {
            if response.isInterim { continue }
            _ = try handshake?.check(response)
            handshake = nil
            responses = nil
            stage = .open
            wasOpened = true
            return true
        }
        return false
    }

    private func count(_ message: [UInt8], _ now: UInt64, _ stamp: Stamp, _ tally: Tally) {
        guard let time = stamp.time(in: message.rawSpan) else { return tally.strayed() }
        tally.arrived(channel, at: arrived, dueNanoseconds: time, bytes: message.count, nowNanoseconds: now)
        arrived += 1
    }

    /// Answers the server's Close frame (RFC 6455 section 5.5.1), unless that answers ours.
    ///
    /// In the second case the server ends the connection first, so the TIME_WAIT state stays on its side.
    private func closed(_ frame: CloseFrame?, _ keys: inout MaskingKeys) -> Change? {
        guard stage == .open else { return nil }
        FrameEncoder.appendMaskedClose(frame?.code ?? .normal, key: keys.next(), to: &output)
        // The reason comes from the server; it is escaped so that it stays on one line.
        let reason = frame.map { "\($0.code.rawValue) \($0.reason.debugDescription)" } ?? "no code"
        return ended("the server closed with \(reason)")
    }
}

@available(*, unavailable)
extension Subscriber: Sendable {}
