import Access
import Bytes
import Testing

@testable import Protocols

/// With the request of Pusher's documentation.
@Suite struct PusherQueryTests {
    private static let now = 1_353_088_179
    private static let body = Array(#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#.utf8)
    private static let query =
        "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0"
        + "&body_md5=ec365a775a4cd0599faeb73354201b6f"
        + "&auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"

    private let app = PusherApp("3:278d425bdf160c739803:7ad3773142a6692b25b8")

    private func violation(
        _ query: String, _ method: String = "POST", _ paths: [String] = ["/apps/3/events"], body: [UInt8] = body,
        at now: Int = now
    ) throws -> PusherAPIViolation? {
        let app = try #require(app)
        do throws(PusherAPIViolation) {
            let parsed = try PusherQuery(parsing: query)
            try parsed.check(method, paths, hasBody: !body.isEmpty, of: app, at: now)
            try parsed.check(body: body)
            return nil
        } catch {
            return error
        }
    }

    @Test func theDocumentedRequestIsAccepted() throws {
        let query = PusherQueryTests.query
        #expect(try violation(query) == nil)
        #expect(try violation(query.split(separator: "&").reversed().joined(separator: "&")) == nil, "in any order")
        #expect(try violation(query.replacing("auth_key", with: "AUTH_Key")) == nil, "names in any case")
        #expect(try violation(query.replacing("1.0", with: "%31.0")) == nil, "values as they are decoded")
        #expect(try violation(query, "POST", ["/x/apps/3/events", "/apps/3/events"]) == nil, "below a prefix")
        for now in [-600, 600] { #expect(try violation(query, at: PusherQueryTests.now + now) == nil) }
    }

    @Test func everythingThatIsSignedCounts() throws {
        let query = PusherQueryTests.query
        for now in [-601, 601] { #expect(try violation(query, at: PusherQueryTests.now + now) == .badTime) }
        #expect(try violation(query, "GET") == .badSignature)
        #expect(try violation(query, "POST", ["/apps/4/events"]) == .badSignature)
        #expect(try violation(query + "&info=user_count") == .badSignature)
        #expect(try violation(query + "&auth_key=278d425bdf160c739803") == .repeatedParameter)
        #expect(try violation(query + "&Auth_Version=1.0") == .repeatedParameter)
        #expect(try violation(query + "&a=%zz") == .badQuery)
        #expect(try violation(query.replacing("=278d", with: "=378d")) == .badKey)
        #expect(try violation(query.replacing("1.0", with: "1.1")) == .badVersion)
        #expect(try violation(query.replacing("da4548", with: "DA4548")) == .badSignature)
        #expect(try violation(query.replacing("=1353088179", with: "=-9223372036854775808")) == .badTime)
        #expect(try violation(query.replacing("&body_md5", with: "&body_md6")) == .bodyNotSigned)
        #expect(try violation(query, body: Array("{}".utf8)) == .otherBody)
        #expect(try violation(query, body: []) == .otherBody)
        #expect(try violation("") == .badVersion)
    }

    @Test func anEventIsReadFromItsBody() throws {
        let trigger = try PusherTrigger(event: PusherQueryTests.body)
        #expect(trigger.channels == ["project-3"] && trigger.info.isEmpty)
        #expect(string(trigger.payload) == #"{"event":"foo","data":"{\"some\":\"data\"}"}"#)
        let batch = try PusherTrigger.batch(
            Array(
                #"{"batch":[{"name":"a","channel":"x","data":"1","socket_id":"1.2","info":"subscription_count"}]}"#.utf8
            ))
        #expect(batch.count == 1 && batch[0].channels == ["x"] && batch[0].info.subscriptionCount)
        #expect(string(batch[0].payload) == #"{"socket_id":"1.2","event":"a","data":"1"}"#)
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"name":"a","channel":"x","data":{}}"#, #"{"name":"a","channel":"x"}"#,
        #"{"name":"","channel":"x","data":"1"}"#, #"{"name":"pusher:error","channel":"x","data":"1"}"#,
        #"{"name":"a","channel":"x y","data":"1"}"#, #"{"name":"a","channels":[],"data":"1"}"#,
        #"{"name":"a","channels":["x",7],"data":"1"}"#, #"{"name":"a","channel":"x","data":"1","socket_id":"1"}"#,
        #"{"name":"a","channel":"x","data":"1","info":"all"}"#, #"{"name":"a","name":"b","channel":"x","data":"1"}"#,
    ])
    func otherBodiesAreRefused(body: String) {
        #expect(throws: PusherAPIViolation.self) { try PusherTrigger(event: Array(body.utf8)) }
        #expect(throws: PusherAPIViolation.self) {
            try PusherTrigger.batch(Array(#"{"batch":[\#(body.isEmpty ? "7" : body)]}"#.utf8))
        }
    }
}
