import FoundationEssentials
import Testing

@testable import pushd

@Suite struct OptionTablesTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// With UPDATE_DOCUMENTS=1 the tables are written instead.
    @Test(arguments: ["README.md", "docs/configuration.md"]) func theDocumentsHaveTheOptions(name: String) throws {
        let file = OptionTablesTests.root.appending(path: name)
        let document = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let filled = try OptionTables().filled(into: document)
        if Environment.current["UPDATE_DOCUMENTS"] == "1" { return try Data(filled.utf8).write(to: file) }
        #expect(document == filled, "UPDATE_DOCUMENTS=1 swift test --filter OptionTablesTests writes it again")
    }

    @Test func reflectionFindsWhatTheParserKnows() throws {
        #expect(ServeOptions.catalogue.entries.map(\.option) == (try OptionTables().options.map(\.option)))
        for (entry, option) in zip(ServeOptions.catalogue.entries, try OptionTables().options) {
            #expect((entry.form == .values) == option.isRepeating)
            #expect((entry.form == .nothing) == (option.kind == "flag"))
        }
    }

    @Test func eachGroupHasATable() throws {
        let file = OptionTablesTests.root.appending(path: "docs/configuration.md")
        let document = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        for group in Set(try OptionTables().options.compactMap(\.sectionTitle)) {
            #expect(document.contains("<!-- options: \(group) -->"))
        }
    }
}
