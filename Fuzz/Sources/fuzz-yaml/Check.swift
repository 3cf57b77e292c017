import FuzzSupport
import YAML

/// A configuration file, and a text that one is to hold.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    let input = unsafe FuzzInput(data, byteCount)
    let document = YAMLDocument(parsing: input.bytes)
    checkPlaces(in: document, input.bytes)
    if let root = document.root, document.violations.isEmpty {
        checkLimits(of: root)
        checkWritten(root)
    }
    checkQuoted(String(decoding: input.bytes, as: UTF8.self))
    return 0
}

/// A place is one that an editor can show: in the text, or just behind it.
private func checkPlaces(in document: YAMLDocument, _ bytes: [UInt8]) {
    // The parser ends the last line if it is not ended.
    let lines = 2 + Lines.breaks(in: bytes)
    let places = document.violations.map(\.position) + (document.root.map(places) ?? [])
    for place in places {
        expect((1...lines).contains(place.line), "\(place) in \(lines) lines")
        expect((1...bytes.count + 1).contains(place.column), "\(place) in \(bytes.count) bytes")
    }
    for violation in document.violations { expect(!violation.message.isEmpty, "a violation without a reason") }
}

private func places(in node: YAMLNode) -> [YAMLPosition] {
    switch node.content {
    case .text: [node.position]
    case .list(let elements): [node.position] + elements.flatMap(places)
    case .mapping(let members): [node.position] + members.flatMap { [$0.position] + places(in: $0.value) }
    }
}

private func checkLimits(of root: YAMLNode) {
    expect(count(root) <= YAMLDocument.maxNodes, "too many values")
    expect(depth(root) <= 1 + YAMLDocument.maxDepth, "too deep")
}

/// Keys are values as well.
private func count(_ node: YAMLNode) -> Int {
    switch node.content {
    case .text: 1
    case .list(let elements): elements.reduce(1) { $0 + count($1) }
    case .mapping(let members): members.reduce(1) { $0 + 1 + count($1.value) }
    }
}

private func depth(_ node: YAMLNode) -> Int {
    switch node.content {
    case .text: 0
    case .list(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .mapping(let members): 1 + (members.map { depth($0.value) }.max() ?? 0)
    }
}

/// A document that is written out again, with quotes where they are needed, says the same.
private func checkWritten(_ root: YAMLNode) {
    let text = written(root)
    let again = YAMLDocument(parsing: Array(text.utf8))
    expect(again.violations.isEmpty, "what was written is refused: \(again.violations)\n\(text)")
    let found = expectSome(again.root, "what was written is nothing")
    expectEqual(Content(found), Content(root), "written again")
}

private func written(_ node: YAMLNode) -> String {
    // With the question mark a key may be longer than 1,024 bytes.
    switch node.content {
    case .text(let text, _): YAMLText.quoted(text)
    case .list(let elements): "[" + elements.map(written).joined(separator: ", ") + "]"
    case .mapping(let members):
        "{" + members.map { "? \(YAMLText.quoted($0.key)) : \(written($0.value))" }.joined(separator: ", ") + "}"
    }
}

/// A text that is quoted is read as it was.
private func checkQuoted(_ text: String) {
    let document = YAMLDocument(parsing: Array("k: \(YAMLText.quoted(text))".utf8))
    guard case .mapping(let members)? = document.root?.content,
        case .text(let found, _)? = members.first?.value.content
    else { return expect(false, "\(text.debugDescription) is unreadable: \(document.violations)") }
    expect(Array(found.utf8) == Array(text.utf8), "\(text.debugDescription) is read as \(found.debugDescription)")
}

/// What a value says, without where.
private indirect enum Content: Equatable {
    case text([UInt8])
    case list([Content])
    case mapping([[UInt8]], [Content])

    init(_ node: YAMLNode) {
        switch node.content {
        case .text(let text, _): self = .text(Array(text.utf8))
        case .list(let elements): self = .list(elements.map(Content.init))
        case .mapping(let members):
            self = .mapping(members.map { Array($0.key.utf8) }, members.map { Content($0.value) })
        }
    }
}
