import Broker
import Bytes
import Glibc
import TestSupport
import Testing
import WSLoop

@testable import RedisBridge

@Suite(.serialized)
struct LoginTests {
    @Test func aPasswordIsUsed() throws {
        let server = try RedisServer(arguments: ["--requirepass", "s3cret@/"])
        try Harness.run("redis://:s3cret%40%2F@127.0.0.1:\(server.port)/3") { try $0.waitUntilUsable() }
    }

    @Test(arguments: ["redis://:wrong@", "redis://nobody:wrong@", "redis://"])
    func aRefusedLoginIsToldOnce(login: String) throws {
        let server = try RedisServer(arguments: ["--requirepass", "right"])
        let client = try RedisClient(port: server.port)
        #expect(try client.command("AUTH", "right") == .text("OK"))
        try Harness.run("\(login)127.0.0.1:\(server.port)") { harness in
            try harness.wait(for: "attempts") { try client.info("total_connections_received") >= 12 }
            #expect(harness.recorder.states == [.disconnected])
            let expected = login == "redis://" ? "PING was refused: NOAUTH" : "AUTH was refused: WRONGPASS"
            #expect(harness.bridge.status.reason?.contains(expected) == true)
            #expect(harness.bridge.status.reason?.contains("wrong@") == false)
        }
    }

    @Test func aDatabaseThatDoesNotExistIsTold() throws {
        let server = try RedisServer()
        try Harness.run(server.url + "/99") { harness in
            try harness.wait(for: "failure") { harness.bridge.status.state == .disconnected }
            #expect(harness.bridge.status.reason?.contains("SELECT was refused: ERR") == true)
        }
    }

    @Test func aUserWhoMayNotUseTheProbeIsTold() throws {
        let server = try RedisServer()
        let client = try RedisClient(port: server.port)
        let rules = ["ACL", "SETUSER", "node", "on", ">pw", "+@all", "&push:*"]
        #expect(try client.command(rules.map { Array($0.utf8) }) == .text("OK"))
        try Harness.run("redis://node:pw@127.0.0.1:\(server.port)") { harness in
            try harness.wait(for: "failure") { harness.bridge.status.state == .disconnected }
            #expect(harness.bridge.status.reason?.contains("NOPERM") == true)
        }
    }

    @Test func aUnixSocketWorks() throws {
        let path = "/tmp/pushd-test-\(getpid())-\(UInt32.random(in: .min ... .max)).sock"
        defer { unsafe unlink(path) }
        let server = try RedisServer(arguments: ["--unixsocket", path])
        let client = try RedisClient(port: server.port)
        try Harness.run("redis+unix://\(path)?db=2") { harness in
            try harness.subscribe("a")
            #expect(try client.publish([1], to: "push:a") == 1)
            try harness.wait(for: "message") { harness.recorder.messages.count == 1 }
            server.kill()
            try harness.wait(for: "loss") { harness.bridge.status.state == .disconnected }
            try harness.wait(for: "a refused attempt") { harness.bridge.status.reason?.contains(path) == true }
            try server.start()
            try harness.waitUntilUsable()
        }
    }

    @Test func aHostNameIsLookedUp() throws {
        let server = try RedisServer()
        try Harness.run("redis://localhost:\(server.port)") { try $0.waitUntilUsable() }
    }

    @Test func aNameThatDoesNotExistIsTold() throws {
        try Harness.run("redis://no-such-host.invalid") { harness in
            #expect(!harness.bridge.subscribe("a"))
            try harness.wait(for: "failure") { harness.bridge.status.state == .disconnected }
            #expect(harness.bridge.status.reason?.contains("look up no-such-host.invalid") == true)
            try harness.wait(for: "settled") { harness.recorder.settled == ["a"] }
        }
    }
}
