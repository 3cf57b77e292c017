import Bytes
import Channels
import FuzzSupport
import WebSocket

@testable import Protocols

/// Control messages: one text message, parsed directly and out of frames, and the replies to it.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let text = input.bytes
    let request = ClientRequest(parsing: text.rawSpan)
    checkJSON(text, isObject: request.isObject)
    checkID(request, in: text)
    checkCommand(request, in: text)
    checkReplies(to: request, text)
    checkPusher(text)

    let frames = clientFrames(0x1, text, &input.random)
    let arrived = input.random.sameHoweverCut(frames) { Arrived($0) }
    if UTF8Validator.isValid(text.rawSpan) {
        expectEqual(arrived, .request(id: request.id, request.command), "the command that came in frames")
    } else {
        expectEqual(arrived, .refused(1007), "text that is not UTF-8")
        expect(!request.isObject, "JSON that is not UTF-8")
    }
    return 0
}

/// The result of one message in frames.
private enum Arrived: Equatable {
    case nothing
    case request(id: [UInt8], Result<ClientCommand, CommandViolation>)
    case refused(UInt16)

    init(_ pieces: [[UInt8]]) {
        let limits = ConnectionMachine.Limits(maxMessageBytes: 1 << 16, maxFragments: 16)
        let received = Received(pieces, by: ConnectionMachine(), limits)
        self = received.violations.first.map { .refused($0.closeCode.rawValue) } ?? .nothing
        for case .text(let text) in received.events {
            let request = ClientRequest(parsing: text.rawSpan)
            self = .request(id: request.id, request.command)
        }
    }
}

extension ClientRequest {
    fileprivate var isObject: Bool {
        if case .failure(.badJSON) = command { false } else { true }
    }
}

/// An id is a string or a number, copied from the message unchanged.
private func checkID(_ request: ClientRequest, in text: [UInt8]) {
    guard !request.id.isEmpty else { return }
    expect(JSON.isValid(request.id.rawSpan), "an id that is not JSON")
    expect(request.id.count <= 255, "an id of \(request.id.count) bytes")
    expect(text.contains(request.id), "an id that is not in the message")
    expect(request.id[0] == UInt8(ascii: "\"") || request.id[0] < UInt8(ascii: "A"), "an id that is no scalar")
}

private func checkCommand(_ request: ClientRequest, in text: [UInt8]) {
    switch request.command {
    case .success(.history(let channel, let last)):
        expect(ChannelName.isValid(channel) && last >= 0, "a history without a channel or a count")
    case .success(.presence(let channel)): expect(ChannelName.isValid(channel), "presence without a channel")
    case .success(.subscribe(let channels, _)), .success(.unsubscribe(let channels)):
        expect(!channels.isEmpty, "no channel")
        for channel in channels { expect(ChannelName.isValid(channel), "a bad channel") }
    case .success(.publish(let channel, let data, let key)):
        expect(ChannelName.isValid(channel), "a bad channel")
        expect(key.map { ChannelName.isValid($0) } != false, "a bad key")
        expect(JSON.isValid(data.rawSpan), "data that is not JSON")
        expect(text.contains(data), "data that is not in the message")
    case .success(.relay), .success(.signIn): expect(false, "a command of another protocol")
    case .success(.ping), .success(.refresh), .failure: break
    }
}

/// Every reply is one JSON object with the values it was made from.
private func checkReplies(to request: ClientRequest, _ text: [UInt8]) {
    let channel = String(decoding: text, as: UTF8.self)
    checkReply(ServerReply.pong(id: request.id), "action", "pong", request.id)
    checkReply(ServerReply.status("subscribed", channel: channel, id: request.id), "channel", channel, request.id)
    checkReply(
        ServerReply.error(.publishFailed(channel), channel: channel, id: request.id), "error", channel, request.id)
    guard case .failure(let violation) = request.command else { return }
    checkReply(ServerReply.error(violation, id: request.id), "error", violation.message, request.id)
}

private func checkReply(_ reply: [UInt8], _ name: String, _ value: String, _ id: [UInt8]) {
    guard let object = try? JSONObject(parsing: reply.rawSpan), case .string(let found) = object[name] else {
        return expect(false, "a reply without \(name)")
    }
    expect(found.utf8.elementsEqual(value.utf8), "\(name) is \(found) instead of \(value)")
    expectEqual(object.rawRange(of: "id").map { Array(reply[$0]) } ?? [], id, "the id of a reply")
}
