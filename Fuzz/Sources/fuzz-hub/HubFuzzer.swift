import FuzzSupport
import WebSocket

/// The hub: the input is a script of joins, leaves, publishes, replies, and blocked or broken connections
/// (`HubScript`).
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    let script = HubScript(input.bytes, outboxLimitBytes: input.random.pick(1, 60, 300, 1 << 20))
    script.run()
    for client in script.gone { checkReceived(client, script.transport.links[client.link].bytes) }
    return 0
}

/// A client received complete frames, except perhaps for the last.
///
/// Each message came at most once, in order, and was published while the client was joined.
private func checkReceived(_ client: HubScript.Client, _ bytes: [UInt8]) {
    let limits = ConnectionMachine.Limits(maxMessageBytes: 1 << 20, maxFragments: 1)
    let received = Received([bytes], by: ConnectionMachine(role: .client), limits)
    expectEqual(received.violations, [], "what the client objects to")
    let allowed = Set(client.published)
    var last: [Substring: Int] = [:]
    for event in received.events {
        guard case .text(let text) = event else { return expect(false, "no text: \(event)") }
        let words = String(decoding: text, as: UTF8.self).split(separator: " ")
        guard words.first != "reply" else { continue }
        let number = expectSome(words.first.flatMap { Int($0) }, "a number")
        expect(allowed.contains(number), "message \(number) was not for this client")
        expect(number > last[words[1]] ?? 0, "message \(number) came late")
        last[words[1]] = number
    }
}
