import Testing

@testable import Access

@Suite struct KeyTests {
    private func verdict(_ authorization: String?, _ keys: String...) throws -> AccessKeys.Verdict {
        let head =
            try authorization.map { try requestHead(("Host", "h"), ("Authorization", $0)) }
            ?? requestHead(("Host", "h"))
        return AccessKeys(keys).verdict(on: head)
    }

    @Test func eachOfSeveralKeysOpens() throws {
        for key in ["short", "a-much-longer-key", "kéy"] {
            #expect(try verdict("Bearer \(key)", "short", "a-much-longer-key", "kéy") == .right)
            #expect(try verdict("bEARER \(key)", "short", "a-much-longer-key", "kéy") == .right)
        }
        #expect(try verdict(nil, "k") == .missing)
    }

    @Test func anEmptyKeyLocksAndNothingOpensIt() throws {
        #expect(!AccessKeys([""]).isEmpty)
        for authorization in ["Bearer x", "Bearer ", "Bearer", "Basic x", ""] {
            #expect(try verdict(authorization, "") == .wrong)
            #expect(try verdict(authorization, "", "k") == .wrong)
        }
    }

    @Test func everyOtherLengthIsWrong() throws {
        let key = "abcdefgh"
        for count in 0...3 * key.count where count != key.count {
            let repeated = String(String(repeating: key, count: 3).prefix(count))
            #expect(try verdict("Bearer \(repeated)", key) == .wrong, "\(count) characters")
        }
    }

    @Test func everyWrongCharacterIsSeen() throws {
        let key = Array("abcdefgh")
        for index in key.indices {
            var wrong = key
            wrong[index] = "x"
            #expect(try verdict("Bearer \(String(wrong))", String(key)) == .wrong)
        }
    }

    @Test(arguments: ["Bearer", "Bearer ", "k", "Basic k", "Bearer  k", "Bearer k k", ""])
    func whatIsNoBearerTokenIsWrong(authorization: String) throws {
        #expect(try verdict(authorization, "k") == .wrong)
    }
}
