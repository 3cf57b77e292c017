import ArgumentParser
import FoundationEssentials

@testable import pushd

/// The options as ArgumentParser knows them, and their tables in the documents.
struct OptionTables {
    struct Option: Decodable {
        struct Name: Decodable {
            let name: String
        }

        let abstract: String
        let isRepeating: Bool
        let kind: String
        let names: [Name]
        let sectionTitle: String?
        let valueName: String?
    }

    private struct Dump: Decodable {
        struct Command: Decodable {
            let arguments: [Option]
        }

        let command: Command
    }

    let options: [Option]

    /// Parses the output of `--experimental-dump-help`.
    init() throws {
        let dump = try JSONDecoder().decode(Dump.self, from: Data(ServeOptions._dumpHelp().utf8))
        options = dump.command.arguments.filter { $0.sectionTitle != nil }
    }

    /// The document with its tables generated again.
    ///
    /// A table is between `<!-- options -->`, or `<!-- options: GROUP -->`, and `<!-- end of options -->`.
    func filled(into document: String) -> String {
        var lines: [Substring] = []
        var isInTable = false
        for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "<!-- end of options -->" { isInTable = false }
            if !isInTable { lines.append(line) }
            guard line.hasPrefix("<!-- options") else { continue }
            let group = line.firstRange(of: ": ").map { line[$0.upperBound...].dropLast(" -->".count) }
            lines += table(of: options.filter { group == nil || $0.sectionTitle == group.map(String.init) })
            isInTable = true
        }
        return lines.joined(separator: "\n")
    }

    private func table(of options: [Option]) -> [Substring] {
        ["", "| option | variable | default | meaning |", "| --- | --- | --- | --- |"]
            + options.map { $0.row[...] } + [""]
    }
}

extension OptionTables.Option {
    var option: String { "--\(names[0].name)" }

    fileprivate var row: String {
        let value = kind == "flag" ? "" : " \((valueName ?? "").uppercased())"
        let (meaning, notes) = parts
        let repeated = isRepeating ? " (repeatable)" : ""
        let cells = [
            "`\(option)\(value)`\(repeated)", "`\(VariableNames.variable(of: option))`", defaultText(notes), meaning,
        ]
        return
            "| \(cells.map { $0.replacing("|", with: "\\|").replacing("*", with: "\\*") }.joined(separator: " | ")) |"
    }

    /// The parts of `MEANING (NOTE; NOTE)` and a period.
    private var parts: (meaning: String, notes: [Substring]) {
        let text = abstract.dropLast()
        guard let open = text.ranges(of: " (").last, text.hasSuffix(")") else { return (String(text), []) }
        let notes = text[open.upperBound...].dropLast().split(separator: "; ", maxSplits: isRepeating ? 1 : 0)
        guard notes.contains(where: { $0 == "repeatable" || $0.hasPrefix("default: ") }) else {
            return (String(text), [])
        }
        return (String(text[..<open.lowerBound]), notes)
    }

    private func defaultText(_ notes: [Substring]) -> String {
        guard let note = notes.first(where: { $0.hasPrefix("default: ") }) else {
            return kind == "flag" ? "off" : "none"
        }
        let text = note.dropFirst("default: ".count)
        return text.contains(" ") ? String(text) : "`\(text)`"
    }
}
