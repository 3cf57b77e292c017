import Access
import TestSupport
import Testing

@Suite struct RevocationsTests {
    private func identity(_ user: String, _ id: String, issuedAt: Int? = nil, isNamed: Bool = true) -> Identity {
        Identity(user: user, isNamed: isNamed, issuedAt: issuedAt, mark: TokenMark(ofID: id))
    }

    private func ofUser(_ user: String, before time: Int, until end: Int) -> Revocation {
        Revocation(.ofUser(user, issuedBefore: time), until: end)
    }

    private func ofToken(_ id: String, until end: Int) -> Revocation {
        Revocation(.marked(TokenMark(ofID: id)), until: end)
    }

    private func add(
        _ revocation: Revocation, to revocations: inout Revocations, at now: Int, isPossible: Bool = true
    ) {
        let isAdded = revocations.add(revocation, at: now)
        #expect(isAdded == isPossible)
    }

    @Test func aTokenIsRefusedUntilItsEnd() {
        var revocations = Revocations()
        add(ofToken("a", until: 200), to: &revocations, at: 100)
        #expect(revocations.refuse(identity("u", "a"), at: 199))
        #expect(!revocations.refuse(identity("u", "a"), at: 200))
        #expect(!revocations.refuse(identity("u", "b"), at: 100))
        #expect(!revocations.refuse(Identity(user: "u"), at: 100), "the backend's identities have no token")
    }

    @Test func aUsersTokensAreRefusedByTheirTimeOfIssue() {
        var revocations = Revocations()
        add(ofUser("u", before: 150, until: 1000), to: &revocations, at: 160)
        for (issuedAt, isRefused) in [(149, true), (150, false), (nil, true)] as [(Int?, Bool)] {
            #expect(revocations.refuse(identity("u", "a", issuedAt: issuedAt), at: 170) == isRefused)
        }
        #expect(!revocations.refuse(identity("v", "a", issuedAt: 1), at: 170))
        #expect(!revocations.refuse(identity("u", "a", issuedAt: 1, isNamed: false), at: 170), "an anonymous client")
    }

    @Test func namesAreComparedByteForByte() {
        var revocations = Revocations()
        add(ofUser("\u{E9}", before: 150, until: 1000), to: &revocations, at: 100)
        #expect(revocations.refuse(identity("\u{E9}", "a"), at: 100))
        #expect(!revocations.refuse(identity("e\u{301}", "a"), at: 100))
    }

    /// One that is forgotten would let a token in, so another one is refused instead.
    @Test func theLimitForgetsNothing() {
        var revocations = Revocations(limit: 3)
        add(ofToken("a", until: 200), to: &revocations, at: 100)
        add(ofUser("u", before: 10, until: 300), to: &revocations, at: 100)
        add(ofUser("v", before: 10, until: 300), to: &revocations, at: 100)
        add(ofToken("b", until: 300), to: &revocations, at: 150, isPossible: false)
        // Neither covers the other.
        add(ofUser("u", before: 5, until: 400), to: &revocations, at: 150, isPossible: false)
        add(ofUser("u", before: 20, until: 400), to: &revocations, at: 150)  // it covers the one that is there
        add(ofToken("a", until: 250), to: &revocations, at: 150)
        #expect(revocations.count == 3 && revocations.refuse(identity("x", "a"), at: 240))
        add(ofToken("b", until: 300), to: &revocations, at: 260)  // the first one has ended
        #expect(revocations.refuse(identity("x", "b"), at: 260) && revocations.count == 3)
        add(ofToken("late", until: 260), to: &revocations, at: 260)  // it has ended already
        #expect(revocations.count == 3)
    }

    /// Random revocations and questions against a list of all revocations.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func itIsWhatAListSays(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var revocations = Revocations()
        var list: [Revocation] = []
        var now = 100
        for _ in 0..<2000 {
            let (user, id) = ("u\(Int.random(in: 0..<4, using: &random))", "t\(Int.random(in: 0..<6, using: &random))")
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                let end = now + Int.random(in: 0...30, using: &random)
                let revocation =
                    Bool.random(using: &random)
                    ? ofToken(id, until: end)
                    : ofUser(user, before: now + Int.random(in: -20...2, using: &random), until: end)
                add(revocation, to: &revocations, at: now)
                list.append(revocation)
            case 1: now += Int.random(in: 0...5, using: &random)
            case 2: revocations.removeEnded(at: now)
            default:
                let issuedAt = Bool.random(using: &random) ? now - Int.random(in: 0...25, using: &random) : nil
                let client = identity(user, id, issuedAt: issuedAt, isNamed: Int.random(in: 0..<8, using: &random) > 0)
                let expected = list.contains { $0.end > now && $0.concerns(client) }
                #expect(revocations.refuse(client, at: now) == expected)
            }
        }
        revocations.removeEnded(at: now + 1000)
        #expect(revocations.count == 0)
    }

    @Test func nodesTellEachOtherInJSON() {
        for revocation in [
            ofToken("a", until: 1_800_000_000), ofUser("ü \"1\"", before: 1_700_000_000, until: 1_800_000_000),
        ] {
            #expect(Revocation(parsing: revocation.json) == revocation)
        }
        for text in [
            "", "{}", #"{"token":"9f"}"#, #"{"token":"x","until":1}"#, #"{"token":"0000000000000000","until":1}"#,
            #"{"user":"u","until":1}"#, #"{"user":"u","issued_before":1.5,"until":1}"#, "[1]",
        ] {
            #expect(Revocation(parsing: Array(text.utf8)) == nil, "\(text)")
        }
    }

    /// SHA-256 of "abc" begins with ba7816bf8f01cfea: other nodes compute the same.
    @Test func aMarkIsTheBeginningOfADigest() {
        #expect(TokenMark(ofID: "abc").description == "ba7816bf8f01cfea")
        #expect(TokenMark(ofToken: Array("abc".utf8)) == TokenMark("ba7816bf8f01cfea"))
        #expect(TokenMark("BA7816BF8F01CFEA") == TokenMark(ofID: "abc"))
        for text in ["", "ba7816bf8f01cfe", "0000000000000000", "+a7816bf8f01cfea", "ga7816bf8f01cfea"] {
            #expect(TokenMark(text) == nil, "\(text)")
        }
    }
}
