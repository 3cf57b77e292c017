import Testing

@testable import YAML

@Suite struct YAMLDocumentTests {
    private func document(_ text: String) -> YAMLDocument { YAMLDocument(parsing: Array(text.utf8)) }

    private func text(_ text: String, isPlain: Bool = true, _ line: Int, _ column: Int) -> YAMLNode {
        YAMLNode(
            position: YAMLPosition(line: line, column: column), content: .text(text, isPlain: isPlain))
    }

    @Test func textsListsAndMappingsHavePlaces() throws {
        let document = document("a: 1\nbé: [x, 'y']\n# c\nd:\n  - {e: \"f\"}\n")
        #expect(document.violations.isEmpty)
        guard case .mapping(let members)? = document.root?.content else { throw Unexpected() }
        #expect(members.map(\.key) == ["a", "bé", "d"])
        #expect(members[0].value == text("1", 1, 4))
        #expect(members[1].position == YAMLPosition(line: 2, column: 1))
        #expect(members[1].value.content == .list([text("x", 2, 6), text("y", isPlain: false, 2, 9)]))
        guard case .list(let elements) = members[2].value.content, case .mapping(let inner)? = elements.first?.content
        else { throw Unexpected() }
        #expect(elements[0].position == YAMLPosition(line: 5, column: 5))
        #expect(inner[0].value == text("f", isPlain: false, 5, 9))
    }

    @Test(arguments: ["", "\n\n", "# nothing\n", "---\n...\n"]) func anEmptyTextHasNoRoot(text: String) {
        let document = document(text)
        #expect(document.violations.isEmpty && (document.root == nil || document.root?.isNull == true))
    }

    @Test(arguments: [("a:", true), ("a: ~", true), ("a: null", true), ("a: ''", false), ("a: 'null'", false)])
    func nothing(text: String, isNull: Bool) throws {
        guard case .mapping(let members)? = document(text).root?.content else { throw Unexpected() }
        #expect(members[0].value.isNull == isNull)
    }

    @Test func nothingIsGuessed() throws {
        guard case .list(let elements)? = document("[yes, 010, 1e3, 12:30, 2020-01-01]").root?.content else {
            throw Unexpected()
        }
        #expect(
            elements.map(\.content)
                == ["yes", "010", "1e3", "12:30", "2020-01-01"].map { .text($0, isPlain: true) })
    }

    @Test(arguments: [
        ("a: &x 1\nb: 2", "1:4"), ("a: 1\nb: *a", "2:4"), ("a: !!str 1", "1:4"), ("? [a]\n: 1", "1:3"),
        ("- !x\n  a: 1", "1:3"),
    ])
    func whatIsRefusedDoesNotEndTheDocument(text: String, position: String) {
        let document = document(text)
        #expect(document.violations.map(\.position.description) == [position] && document.root != nil)
    }

    @Test func allThatIsRefusedIsFound() {
        #expect(document("a: &x 1\nb: *x\nc: !y z\n").violations.count == 3)
    }

    @Test(arguments: [
        ("a: [", "2:1"), ("a: 'b", "1:4"), ("a: b: c", "1:5"), ("a: 1\n---\nb: 1", "2:1"), ("a: \u{1}", "1:4"),
        ("a: *", "1:4"), ("%YAML 3.0\n---\na: 1", "1:1"),
    ])
    func aTextThatCannotBeReadHasNoRoot(text: String, position: String) throws {
        let document = document(text)
        let violation = try #require(document.violations.first)
        #expect(document.root == nil && document.violations.count == 1)
        #expect(violation.position.description.hasPrefix(position.prefix(2)), "\(violation)")
        #expect(!violation.message.isEmpty)
    }

    @Test func bytesThatAreNotUTF8HaveAPlace() throws {
        let violation = try #require(YAMLDocument(parsing: Array("a: 1\né: ".utf8) + [0xFF]).violations.first)
        #expect(violation.position == YAMLPosition(line: 2, column: 4))
        let utf16: [UInt8] = [0xFF, 0xFE, 0x61, 0x00, 0x3A, 0x00, 0x20, 0x00, 0x31, 0x00]
        #expect(YAMLDocument(parsing: utf16).root == nil)
    }

    @Test func limits() throws {
        let deep = String(repeating: "[", count: YAMLDocument.maxDepth + 2)
        #expect(try #require(document(deep).violations.first).message.hasPrefix("nested deeper"))
        #expect(document(String(repeating: "[", count: 100_000)).violations.count == 1)
        let level = String(repeating: "[", count: YAMLDocument.maxDepth)
        #expect(document(level + "x" + String(repeating: "]", count: YAMLDocument.maxDepth)).violations.isEmpty)
        let many = String(repeating: "- a\n", count: YAMLDocument.maxNodes)
        #expect(try #require(document(many).violations.first).message.hasPrefix("more than 20000 values"))
        let long = YAMLDocument(parsing: [UInt8](repeating: 0x20, count: YAMLDocument.maxBytes + 1))
        #expect(long.violations.first?.message.contains("bytes") == true)
    }

    private struct Unexpected: Error {}
}
