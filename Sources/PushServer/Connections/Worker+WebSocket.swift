internal import Bytes
internal import Channels
internal import Protocols
internal import WSLoop
internal import WebSocket

extension Worker {
    /// Takes input up to the end of one message or control frame, and answers it.
    func nextMessage(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        do throws(ProtocolViolation) {
            guard let event = try connection.machine?.receive(input, from: &offset, limits: messageLimits) else {
                return
            }
            guard admits(event, of: connection) else { return }
            switch event {
            case .text(let text): received(.text(text), connection)
            case .binary(let bytes): received(.binary(bytes), connection)
            case .ping(let payload): pong(payload, connection)
            case .pong, .fragment: break  // that it came was noted when it was read
            case .close(let frame): peerCloses(frame, connection)
            }
        } catch .unmaskedClose {
            endUnanswered(connection)
        } catch {
            let reason = error.closeCode == .messageTooBig ? CloseReason.messageTooBig : .protocolError
            fail(connection, error.closeCode, error.reason, reason)
            if error.failsConnection { closeCompleted(connection) }
        }
    }

    /// After our Close frame only the peer's is of interest (RFC 6455 section 5.5.1).
    func awaitClose(_ input: RawSpan, _ offset: inout Int, _ connection: Connection) {
        guard connection.life.awaitsClose, connection.machine != nil else {
            offset = input.byteCount
            return
        }
        do throws(ProtocolViolation) {
            let event = try connection.machine?.receive(input, from: &offset, limits: messageLimits)
            if case .close = event { closeCompleted(connection) }
        } catch {
            closeCompleted(connection)
        }
    }

    /// Sends a text message.
    func reply(_ text: [UInt8], to connection: Connection) {
        guard connection.phase == .webSocket else { return }
        hub.reply(connection.slot, .text, message: text.rawSpan)
    }

    /// Ends a WebSocket with a Close frame; the peer has a while to answer it.
    func fail(_ connection: Connection, _ code: CloseCode, _ text: String, _ reason: CloseReason) {
        guard connection.phase == .webSocket else { return }
        abandonPending(connection)
        releaseAll(connection)
        hub.reply(connection.slot) { FrameEncoder.appendClose(code, reason: text, to: &$0) }
        setInterest(connection.interest.union(.readable), connection)
        let unread = connection.unread
        beginClosing(connection, reason, awaitsClose: true)
        // The peer's Close may be in what was kept while input was paused, and frames end where it does.
        process(unread.rawSpan, of: connection)
    }

    private func received(_ message: WebSocketMessage, _ connection: Connection) {
        switch (state.configuration.endpoint, message) {
        case (.channels, .text(let text)): take(session(of: connection).step(text: text.rawSpan), connection)
        case (.channels, .binary(let bytes)): take(session(of: connection).step(binary: bytes.rawSpan), connection)
        case (.answering(let answer), _):
            switch answer(message) {
            case .text(let text): reply(text, to: connection)
            case .binary(let bytes): hub.reply(connection.slot, .binary, message: bytes.rawSpan)
            case .none: break
            }
        }
    }

    private func pong(_ payload: [UInt8], _ connection: Connection) {
        hub.reply(connection.slot) { FrameEncoder.appendFrame(.pong, payload.rawSpan, to: &$0) }
    }

    /// The peer's Close is answered with the same code (RFC 6455 section 5.5.1), and the server ends TCP (7.1.1).
    private func peerCloses(_ frame: CloseFrame?, _ connection: Connection) {
        abandonPending(connection)
        releaseAll(connection)
        let empty: [UInt8] = []
        hub.reply(connection.slot) {
            if let frame {
                FrameEncoder.appendClose(frame.code, to: &$0)
            } else {
                FrameEncoder.appendFrame(.close, empty.rawSpan, to: &$0)
            }
        }
        beginClosing(connection, .client)
    }

    /// Ends the connection without a Close frame of ours, which RFC 6455 section 7.1.7 allows.
    ///
    /// An unmasked Close comes from a proxy that stops. It would pass our 1002 on to the client in the place of its
    /// 1001.
    private func endUnanswered(_ connection: Connection) {
        guard connection.phase == .webSocket else { return }
        abandonPending(connection)
        releaseAll(connection)
        beginClosing(connection, .protocolError)
    }

    private func closeCompleted(_ connection: Connection) {
        tell(.closeAnswered(isAllSent: isAllSent(connection)), connection)
    }
}
