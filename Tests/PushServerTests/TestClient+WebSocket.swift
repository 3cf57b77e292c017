/// A frame from the server.
struct ServerFrame: Equatable {
    let opcode: UInt8
    let payload: [UInt8]

    var text: String { string(payload) }

    static func text(_ text: String) -> ServerFrame { ServerFrame(opcode: 1, payload: Array(text.utf8)) }

    static func close(_ code: Int, _ reason: String = "") -> ServerFrame {
        ServerFrame(opcode: 8, payload: [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8))
    }

    /// The code of a Close frame.
    var closeCode: Int? {
        opcode == 8 && payload.count >= 2 ? Int(payload[0]) << 8 | Int(payload[1]) : nil
    }
}

/// A frame as a client sends it, complete and masked (RFC 6455 section 5.2).
func clientFrame(_ opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let count = payload.count
    let extended = count <= 125 ? 0 : count <= 0xFFFF ? 2 : 8
    let mask: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    var bytes: [UInt8] = [0x80 | opcode, 0x80 | (extended == 0 ? UInt8(count) : extended == 2 ? 126 : 127)]
    bytes += (0..<extended).map { UInt8(truncatingIfNeeded: count >> (8 * (extended - 1 - $0))) }
    return bytes + mask + payload.enumerated().map { $0.element ^ mask[$0.offset & 3] }
}

func clientText(_ text: String) -> [UInt8] { clientFrame(1, Array(text.utf8)) }

extension TestClient {
    static func handshake(_ target: String, _ fields: String = "") -> [UInt8] {
        Array(
            ("GET \(target) HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(fields)\r\n").utf8)
    }

    /// Opens a WebSocket; RFC 6455 section 1.3 has the accept value for the sample key.
    func upgrade(_ target: String = "/ws", _ fields: String = "") throws {
        try send(TestClient.handshake(target, fields))
        try takeUpgrade()
    }

    func takeUpgrade() throws {
        let answer = try answer()
        guard answer.status == 101, answer.head.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n")
        else { throw TestFailure(description: "no WebSocket: \(answer.head) \(string(answer.body))") }
    }

    /// Waits for the next frame.
    func frame() throws -> ServerFrame {
        let head = try take(2)
        guard head[0] & 0xF0 == 0x80, head[1] < 128 else {
            throw TestFailure(description: "no server's frame: \(head)")
        }
        var count = Int(head[1])
        if count >= 126 { count = try take(count == 126 ? 2 : 8).reduce(0) { $0 << 8 | Int($1) } }
        return ServerFrame(opcode: head[0] & 0x0F, payload: try take(count))
    }

    /// Sends a text message and waits for the next frame, which must also be a text.
    func ask(_ text: String) throws -> String {
        try send(clientText(text))
        let frame = try frame()
        guard frame.opcode == 1 else { throw TestFailure(description: "no text: \(frame)") }
        return frame.text
    }

    /// Waits for frames up to the Close frame, which is returned last.
    func framesUntilClose() throws -> [ServerFrame] {
        var frames: [ServerFrame] = []
        repeat { frames.append(try frame()) } while frames.last?.opcode != 8
        return frames
    }
}
