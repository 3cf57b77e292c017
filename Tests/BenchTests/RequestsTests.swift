import Testing
import WebSocket

@testable import Bench

private func plan(_ url: String) throws -> BenchPlan {
    BenchPlan(url: try #require(WebSocketURL(parsing: url)))
}

private func firstLine(_ bytes: [UInt8]) -> Substring {
    String(decoding: bytes, as: UTF8.self).prefix { $0 != "\r\n" }
}

@Suite struct RequestsTests {
    @Test(arguments: [
        ("ws://h/ws", "/ws?channel=c%201", "/publish"), ("ws://h", "/?channel=c%201", "/publish"),
        ("ws://h/push/ws?token=1", "/push/ws?token=1&channel=c%201", "/push/publish"),
        ("ws://h/?a=/x", "/?a=/x&channel=c%201", "/publish"),
    ])
    func theTargetsFollowTheURL(url: String, socket: String, publish: String) throws {
        let plan = try plan(url)
        #expect(firstLine(try plan.handshake(channel: "c 1").request) == "GET \(socket) HTTP/1.1")
        #expect(firstLine(plan.publishHead(channel: "c 1", key: nil)) == "POST \(publish)?channel=c%201 HTTP/1.1")
    }

    @Test func aPublishHasLengthHostAndKey() throws {
        var plan = try plan("ws://[::1]:8081/ws")
        plan.messageBytes = 77
        let head = String(decoding: plan.publishHead(channel: "c", key: "secret"), as: UTF8.self)
        #expect(
            head
                == "POST /publish?channel=c HTTP/1.1\r\nHost: [::1]:8081\r\nContent-Length: 77\r\n"
                + "Authorization: Bearer secret\r\n\r\n")
    }

    @Test func aSubprotocolIsOffered() throws {
        var plan = try plan("ws://h/ws")
        plan.subprotocol = "pushd.v1"
        let request = String(decoding: try plan.handshake(channel: "c").request, as: UTF8.self)
        #expect(request.contains("\r\nSec-WebSocket-Protocol: pushd.v1\r\n"))
    }

    @Test(arguments: ["ws://h h/", "ws://h/\r\nX: y", "ws:///x", "ws://h/ x"])
    func whatCannotStandInARequestIsRefused(url: String) throws {
        let plan = try plan(url)
        #expect(throws: ClientHandshake.InvalidRequest.self) { try plan.check() }
    }

    @Test func connectionsAreSpreadEvenly() throws {
        var plan = try plan("ws://h")
        plan.connections = 10
        plan.channels = 3
        let channels = (0..<10).map { plan.channel(ofConnection: $0) }
        #expect((0..<3).map { channel in channels.count { $0 == channel } } == [4, 3, 3])
        #expect(plan.channelName(2, run: RunID(1)) == "bench-00000000000001-2")
        #expect(plan.neededDescriptors > 10)
    }
}
