import Access
import Channels
import Testing
import WSLoop
import WebSocket

@testable import PushServer

@Suite struct NodeOrderTests {
    private let id = ConnectionID(node: 7, loop: 1, StreamKey(slot: 2, generation: 3))

    private var orders: [Order] {
        get throws {
            let frame = try #require(CloseFrame(serverCode: 4001, "bye \"now\""))
            return [
                .disconnect(.user("ü\\"), frame), .disconnect(.connection(id), frame),
                .unsubscribe(.user("u"), channel: "c", reason: "", code: Array("4001".utf8)),
                .unsubscribe(.connection(id), channel: "c", reason: "r", code: Array("\"removed\"".utf8)),
                .publish(user: "u", Message(toUser: [])), .publish(user: "u", Message(toUser: [10, 0, 255, 10])),
                .publish(user: "u", Message(toUser: [1]), id: "i"),
                .revoke(Revocation(.marked(TokenMark(ofID: "t")), until: 9)),
                .revoke(Revocation(.ofUser("u", issuedBefore: 8), until: 9)), .revokeToken(of: id),
            ]
        }
    }

    @Test func anOrderIsReadAsItWasWritten() throws {
        for order in try orders {
            let text = NodeOrder(from: .max, order).text
            let read = try #require(NodeOrder(parsing: text), "\(string(text))")
            #expect(read.node == .max && NodeOrder(from: .max, read.order).text == text)
            #expect(read.order.user == order.user && read.order.connection == order.connection)
        }
    }

    @Test func aMessageIsNotChanged() throws {
        let payload = Array(0...255) as [UInt8]
        let text = NodeOrder(from: 1, .publish(user: "u", Message(toUser: payload))).text
        guard case .publish("u", let message, nil) = try #require(NodeOrder(parsing: text)).order else {
            throw TestFailure(description: "another order: \(string(text))")
        }
        #expect(message.payload == payload && message.channel.isEmpty)
    }

    /// Other programs may publish to the nodes' channel, and later versions may know more.
    @Test(arguments: [
        "", "\n", "{}\n", "x\n", #"{"node":"1","do":"dance","user":"u"}"# + "\n", #"{"node":"1","do":"revoke"}"# + "\n",
        #"{"node":"x","do":"revoke","connection":"y"}"# + "\n", #"{"node":"1","do":"publish","user":"u"}"#,
        #"{"node":"1","do":"disconnect","user":"u","code":1006,"reason":""}"# + "\n",
        #"{"node":"1","do":"disconnect","user":"u","code":70000,"reason":""}"# + "\n",
        #"{"node":"1","do":"disconnect","code":4000,"reason":""}"# + "\n",
        #"{"node":"1","do":"unsubscribe","user":"u","reason":"","code":1}"# + "\n",
    ])
    func somethingElseIsNoOrder(text: String) {
        #expect(NodeOrder(parsing: Array(text.utf8)) == nil)
    }

    @Test func whatFitsIntoACloseFrame() {
        for code in [1000, 1001, 1008, 1012, 1013, 4000, 4999] { #expect(CloseFrame(serverCode: code, "") != nil) }
        for code in [-1, 0, 999, 1002, 1004, 1005, 1006, 1009, 1011, 1015, 2000, 3000, 3999, 5000, 69_536] {
            #expect(CloseFrame(serverCode: code, "") == nil)
        }
        #expect(CloseFrame(serverCode: 1000, String(repeating: "é", count: 61)) != nil)
        #expect(CloseFrame(serverCode: 1000, String(repeating: "é", count: 62)) == nil)
    }
}
