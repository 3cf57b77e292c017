import Testing

@testable import PushServer

extension ServerTests {
    @Suite struct OrderTests {
        private func post(
            _ server: TestServer, _ path: String, _ body: String = "", status: Int = 200
        ) throws -> String {
            let answer = try server.request("POST \(path) HTTP/1.1", body: Array(body.utf8))
            #expect(answer.status == status, "\(path): \(string(answer.body))")
            #expect(isJSON(answer.body))
            return string(answer.body)
        }

        private func clients(_ server: TestServer, _ users: String...) throws -> [TestClient] {
            try users.map { user in
                let client = try server.connect()
                try client.upgrade("/ws?channel=c&user_id=\(user)", "Sec-WebSocket-Protocol: pushd.v1\r\n")
                return client
            }
        }

        @Test(arguments: [1, 3])
        func aUserIsDisconnected(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let clients = try clients(server, "ada", "bob", "ada", "ada")
                #expect(
                    try post(server, "/v1/users/ada/disconnect", #"{"code":4003,"reason":"bye"}"#)
                        == #"{"user":"ada","connections":3}"#)
                for client in [clients[0], clients[2], clients[3]] {
                    #expect(try client.frame() == .close(4003, "bye"))
                }
                #expect(try post(server, "/v1/users/ada/disconnect") == #"{"user":"ada","connections":0}"#)
                #expect(try post(server, "/v1/users/bob/publish", "1") == #"{"user":"bob","connections":1}"#)
                #expect(try clients[1].frame().text == #"{"data":1}"#)
            }
        }

        @Test func aConnectionIsDisconnected() throws {
            try TestServer.run { server in
                let clients = try clients(server, "ada", "ada")
                let list = try string(server.request("GET /v1/connections HTTP/1.1").body)
                let name = try #require(list.split(separator: #""connection":""#).dropFirst().first?.prefix(36))
                #expect(
                    try post(server, "/v1/connections/\(name)/disconnect?code=1012")
                        == #"{"connection":"\#(name)","connections":1}"#)
                _ = try post(server, "/v1/connections/\(name)/disconnect", status: 404)
                _ = try post(server, "/v1/connections/x/disconnect", status: 404)
                _ = try post(server, "/v1/connections/\(String(repeating: "0", count: 36))/disconnect", status: 404)
                #expect(try post(server, "/v1/users/ada/publish", "x") == #"{"user":"ada","connections":1}"#)
                withExtendedLifetime(clients) {}
            }
        }

        @Test(arguments: [1, 3])
        func aUserIsRemovedFromAChannel(workers: Int) throws {
            try TestServer.run {
                $0.workers = workers
            } _: { server in
                let clients = try clients(server, "ada", "bob")
                #expect(
                    try post(server, "/v1/channels/c/unsubscribe", #"{"user":"ada","reason":"no","code":4001}"#)
                        == #"{"channel":"c","connections":1}"#)
                #expect(
                    try clients[0].frame().text == #"{"event":"unsubscribed","channel":"c","reason":"no","code":4001}"#)
                #expect(string(try server.publish("1", to: "c").body) == #"{"channel":"c","subscribers":1}"#)
                #expect(
                    try post(server, "/v1/channels/c/unsubscribe?user=ada") == #"{"channel":"c","connections":0}"#)
            }
        }

        @Test func aMessageForAUserReachesPublishersOfBothKinds() throws {
            try TestServer.run { server in
                let clients = try clients(server, "ada", "bob")
                #expect(try post(server, "/publish?user=ada", "hello") == #"{"user":"ada","connections":1}"#)
                #expect(try clients[0].frame().text == #"{"data":"hello"}"#)
                #expect(try post(server, "/publish?user=nobody", "x") == #"{"user":"nobody","connections":0}"#)
            }
        }

        @Test(arguments: [
            ("/v1/users/u/disconnect", #"{"code":1006}"#), ("/v1/users/u/disconnect", #"{"code":"x"}"#),
            ("/v1/users/u/disconnect?code=4000", #"{"code":4000}"#), ("/v1/users/u/disconnect", #"{"cod":4000}"#),
            ("/v1/users/u/disconnect", "[]"), ("/v1/users/u/disconnect", #"{"code":4000,"code":4001}"#),
            ("/v1/users/u/disconnect?reason=\(String(repeating: "x", count: 124))", ""),
            ("/v1/users/u/disconnect?user=u", ""), ("/v1/users/%0A/disconnect", ""),
            ("/v1/channels/c/unsubscribe", ""), ("/v1/channels/c/unsubscribe?user=u&connection=x", ""),
            ("/v1/channels/c/unsubscribe?user=u&code=Removed", ""), ("/v1/users/u/publish?channel=c", "x"),
            ("/publish?user=u&channel=c", "x"), ("/publish?user=", "x"), ("/v1/revoke", ""), ("/v1/revoke", "{}"),
            ("/v1/revoke", #"{"user":"u","token":"t"}"#), ("/v1/revoke", #"{"token":"t","issued_before":1}"#),
            ("/v1/revoke", #"{"user":"u","issued_before":99999999999}"#), ("/v1/revoke", #"{"user":7}"#),
            ("/v1/revoke", #"{"token":""}"#),
        ])
        func mistakesAreAnswered(path: String, body: String) throws {
            try TestServer.run { server in
                let answer = try post(server, path, body, status: 400)
                #expect(answer.contains("error"))
            }
        }

        @Test func whatIsTooLongIsRefused() throws {
            try TestServer.run { server in
                _ = try post(server, "/v1/revoke", String(repeating: " ", count: 4097), status: 413)
                let client = try server.connect()
                try client.send(
                    "POST /v1/revoke HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
                        + "1001\r\n" + String(repeating: " ", count: 4097) + "\r\n0\r\n\r\n")
                #expect(try client.answer().status == 413)
                #expect(try server.request("GET /v1/revoke HTTP/1.1").status == 405)
            }
        }
    }
}
