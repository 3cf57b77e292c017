import Access
import Bytes
import Channels
import FuzzSupport

@testable import Protocols

private let app = expectSome(PusherApp("1:key:secret"), "an application")
private let socket = SocketID(node: 1, loop: 2, slot: 3, generation: 4)

/// The message as a frame of Pusher's clients, as a payload for them, and as a request to Pusher's API.
func checkPusher(_ text: [UInt8]) {
    var session = PusherSession(app, socket)
    switch UTF8Validator.isValid(text.rawSpan) ? session.step(text: text.rawSpan) : session.step(binary: text.rawSpan) {
    case .reply(let frame): checkFrame(frame)
    case .run(.relay(let channel, let payload, _), _):
        expect(PusherChannel(channel)?.takesClientEvents == true, "a client event in \(channel)")
        expectEqual(PusherEvent.excluded(by: payload), socket, "who sends a client event")
        expect(PusherEvent(parsing: payload) != nil, "a client event that is none")
    case .run(.subscribe(let channels, let options), _):
        expect(channels.allSatisfy { PusherChannel.isValid($0) && !PusherChannel.isProved($0) }, "an open door")
        expect(options.member == nil, "a member without a signature")
    case .run, .nothing: break
    }
    let message = Message(channel: "news", payload: text, receivedNanoseconds: 0)
    var frame: [UInt8] = []
    PusherEncoder().encode(message, into: &frame)
    checkFrame(frame)
    checkRequest(text)
}

private func checkFrame(_ frame: [UInt8]) {
    guard let object = try? JSONObject(parsing: frame.rawSpan), case .string(let event) = object["event"] else {
        return expect(false, "a frame that is no event")
    }
    if case .string(let channel) = object["channel"], channel == "news" {
        let isReserved = ["pusher:", "pusher_internal:"].contains { event.hasPrefix($0) }
        expect(!isReserved, "a payload that speaks for the server: \(event)")
    }
}

/// Nothing is accepted without a signature, and what is published is an event for clients.
private func checkRequest(_ text: [UInt8]) {
    if let query = try? PusherQuery(parsing: String(decoding: text, as: UTF8.self)) {
        let isAccepted = (try? query.check("POST", ["/apps/1/events"], hasBody: false, of: app, at: 0)) != nil
        expect(!isAccepted, "a request without a signature")
    }
    for trigger in (try? PusherTrigger.batch(text)) ?? [] {
        expect(PusherEvent(parsing: trigger.payload) != nil, "an event that is none")
    }
    guard let trigger = try? PusherTrigger(event: text) else { return }
    expect(PusherEvent(parsing: trigger.payload) != nil, "an event that is none")
    expect(trigger.channels.allSatisfy { PusherChannel.isValid($0) }, "a channel that is none")
}
