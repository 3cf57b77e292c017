import HTTP
import Testing

@testable import Access

@Suite struct RulesTests {
    private static let purposes: [AccessRules.Purpose] = [.read, .connect, .publish, .administer]

    private func denial(
        _ rules: AccessRules, _ purpose: AccessRules.Purpose, from peer: Peer, _ fields: (String, String)...
    ) throws -> Denial? {
        let fields = fields.contains { $0.0 == "Host" } ? fields : [("Host", "localhost")] + fields
        return rules.denial(of: try requestHead("GET / HTTP/1.1", fields), from: peer, for: purpose)
    }

    @Test func overLoopbackTheHostComesFirst() throws {
        let rules = AccessRules(allowedOrigins: [.all], publishKeys: ["k"])
        for purpose in RulesTests.purposes {
            let denial = try denial(
                rules, purpose, from: .loopback, ("Host", "evil.example"), ("Authorization", "Bearer k"))
            #expect(denial == .host)
            #expect(denial?.status == .forbidden && denial?.message.contains("--allow-host") == true)
        }
        let right = ("Authorization", "Bearer k")
        for peer in [Peer.unixSocket, [], .tls] {
            for purpose in RulesTests.purposes where purpose != .administer {
                #expect(try self.denial(rules, purpose, from: peer, ("Host", "push.example"), right) == nil)
            }
        }
    }

    @Test func listedHostsAndTheHostsOfListedOriginsPass() throws {
        let rules = AccessRules(
            allowedHosts: [try #require(HostPattern("push.example"))],
            allowedOrigins: [try #require(OriginPattern("https://*.app.example:8443")), .all])
        for host in ["push.example", "x.app.example"] {
            #expect(try denial(rules, .connect, from: .loopback, ("Host", host)) == nil)
        }
        #expect(try denial(rules, .connect, from: .loopback, ("Host", "app.example")) == .host)
    }

    @Test func pagesOfOthersMayReadButNotConnectNorPublish() throws {
        let origin = ("Origin", "http://evil.example")
        let rules = AccessRules(publishKeys: ["k"])
        #expect(try denial(rules, .read, from: .loopback, origin) == nil)
        #expect(try denial(rules, .connect, from: .loopback, origin) == .origin)
        #expect(try denial(rules, .publish, from: .loopback, origin) == .origin, "before the key is looked at")
        #expect(Denial.origin.message.contains("--allow-origin"))
    }

    @Test(arguments: [Peer.loopback, .unixSocket])
    func withoutKeysThisMachineMayPublish(peer: Peer) throws {
        #expect(try denial(AccessRules(), .publish, from: peer) == nil)
        #expect(try denial(AccessRules(), .publish, from: peer, ("Authorization", "Bearer x")) == nil)
    }

    @Test(arguments: ["Forwarded", "X-Forwarded-For", "x-real-ip", "VIA"])
    func aProxyOnThisMachineIsNotThisMachine(field: String) throws {
        for peer in [Peer.loopback, .unixSocket] {
            #expect(try denial(AccessRules(), .publish, from: peer, (field, "")) == .publishingIsLocal)
            #expect(try denial(AccessRules(), .connect, from: peer, (field, "x")) == nil)
        }
    }

    @Test func withoutKeysOthersAreToldWhatToSet() throws {
        for peer in [Peer(), .tls] {
            #expect(try denial(AccessRules(), .publish, from: peer) == .publishingIsLocal)
            #expect(try denial(AccessRules(), .connect, from: peer) == nil)
        }
        #expect(Denial.publishingIsLocal.status == .forbidden)
        #expect(Denial.publishingIsLocal.message.contains("--publish-key"))
    }

    @Test(arguments: [Peer.loopback, .unixSocket, .tls, [], [.loopback, .tls]])
    func aConfiguredKeyIsNeededEverywhere(peer: Peer) throws {
        let rules = AccessRules(publishKeys: ["k", "l"])
        #expect(try denial(rules, .publish, from: peer) == .publishKeyMissing)
        #expect(try denial(rules, .publish, from: peer, ("Authorization", "Bearer m")) == .publishKeyWrong)
        for key in ["k", "l"] {
            let through = ("X-Forwarded-For", "192.0.2.1")
            #expect(try denial(rules, .publish, from: peer, through, ("Authorization", "Bearer \(key)")) == nil)
        }
        #expect(try denial(rules, .connect, from: peer) == nil)
        #expect([Denial.publishKeyMissing, .publishKeyWrong].allSatisfy { $0.status == .unauthorized })
    }

    // Admin endpoints

    private func adminDenial(_ rules: AccessRules, from peer: Peer, _ fields: (String, String)...) throws -> Denial? {
        let head = try requestHead("GET / HTTP/1.1", [("Host", "localhost")] + fields)
        return rules.denial(of: head, from: peer, for: .administer)
    }

    @Test func withoutAKeyAdminsAreOnThisMachine() throws {
        let rules = AccessRules(publishKeys: ["k"])
        for peer in [Peer.loopback, .unixSocket] {
            #expect(rules.servesAdmin(on: peer))
            #expect(try adminDenial(rules, from: peer) == nil)
            for field in ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"] {
                #expect(try adminDenial(rules, from: peer, (field, "x")) == .administeringIsLocal)
            }
        }
        #expect(try adminDenial(rules, from: []) == .administeringIsLocal)
        #expect(try adminDenial(rules, from: .tls) == .administeringIsLocal)
        #expect(Denial.administeringIsLocal.message.contains("--api-key"))
        #expect(Denial.administeringIsLocal.message.contains("--admin"))
    }

    @Test func anAdminAddressIsForWhoReachesIt() throws {
        let rules = AccessRules(hasAdminAddress: true)
        #expect(!rules.servesAdmin(on: .loopback) && rules.servesAdmin(on: .admin))
        #expect(try adminDenial(rules, from: .admin) == nil)
        #expect(try adminDenial(rules, from: [.admin, .loopback], ("Via", "x")) == nil)
        let rebound = try requestHead("GET / HTTP/1.1", [("Host", "evil.example")])
        #expect(rules.denial(of: rebound, from: [.admin, .loopback], for: .administer) == .host)
    }

    @Test(arguments: [Peer.loopback, .unixSocket, [], .admin])
    func anAPIKeyIsNeededEverywhere(peer: Peer) throws {
        let rules = AccessRules(publishKeys: ["p"], apiKeys: ["k", "l"], hasAdminAddress: peer.contains(.admin))
        #expect(try adminDenial(rules, from: peer) == .apiKeyMissing)
        for wrong in ["p", "m", ""] {
            #expect(try adminDenial(rules, from: peer, ("X-API-Key", wrong)) == .apiKeyWrong)
            #expect(try adminDenial(rules, from: peer, ("Authorization", "Bearer \(wrong)")) == .apiKeyWrong)
        }
        for right in ["k", "l"] {
            #expect(try adminDenial(rules, from: peer, ("X-API-Key", right), ("Via", "x")) == nil)
            #expect(try adminDenial(rules, from: peer, ("Authorization", "Bearer \(right)")) == nil)
            #expect(try adminDenial(rules, from: peer, ("X-API-Key", right), ("Authorization", "Basic x")) == nil)
        }
        #expect([Denial.apiKeyMissing, .apiKeyWrong].allSatisfy { $0.status == .unauthorized })
    }

    @Test func withoutAKeyNoPageOfOthersIsAnAdmin() throws {
        let open = AccessRules(allowedOrigins: [.all])
        let page = ("Origin", "https://app.example")
        #expect(try adminDenial(open, from: .loopback, page) == .origin)
        #expect(try adminDenial(open, from: .loopback, ("Origin", "http://localhost")) == nil)
        let locked = AccessRules(allowedOrigins: [.all], apiKeys: ["k"])
        #expect(try adminDenial(locked, from: .loopback, page, ("X-API-Key", "k")) == nil)
        #expect(try adminDenial(AccessRules(apiKeys: ["k"]), from: .loopback, page, ("X-API-Key", "k")) == .origin)
    }
}
