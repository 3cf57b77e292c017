/// One document: texts, lists and mappings.
///
/// Anchors, references, tags, several documents and keys that are not texts are refused: what a file says can be read
/// in one place, and no short text expands to a long one.
public struct YAMLDocument: Sendable {
    /// The most bytes of a text.
    public static let maxBytes = 1 << 20
    /// How deep lists and mappings may be nested within the outermost one.
    public static let maxDepth = 16
    /// The most values.
    public static let maxNodes = 20_000

    /// The document's value; nil for an empty text, or one that could not be read to its end.
    public let root: YAMLNode?
    /// What is wrong with it, in the order of the text.
    public let violations: [YAMLViolation]

    /// Reads a text, which must be UTF-8.
    public init(parsing bytes: [UInt8]) {
        var composer = YAMLComposer()
        var root: YAMLNode?
        do throws(YAMLViolation) {
            guard bytes.count <= YAMLDocument.maxBytes else {
                let position = YAMLPosition(line: 1, column: 1)
                throw YAMLViolation(position: position, message: "more than \(YAMLDocument.maxBytes) bytes")
            }
            root = try composer.document(bytes)
        } catch {
            composer.violations.append(error)
        }
        self.root = root
        violations = composer.violations
    }
}

/// Makes a tree of the steps of a text.
private struct YAMLComposer {
    var violations: [YAMLViolation] = []
    private var nodes = 0

    /// - Returns: nil for an empty text.
    mutating func document(_ bytes: [UInt8]) throws(YAMLViolation) -> YAMLNode? {
        try unsafe bytes.withUnsafeBufferPointer { text throws(YAMLViolation) in
            var events = unsafe YAMLEvents(of: text)
            var root: YAMLNode?
            while true {
                let event = try events.next()
                switch event.kind {
                case .documentBegins where root != nil:
                    throw YAMLViolation(position: event.position, message: "a second document: a file has only one")
                case .streamEnds: return root
                case .documentBegins: root = try node(try events.next(), &events, depth: 0)
                default: break
                }
            }
        }
    }

    private mutating func node(
        _ event: YAMLEvent, _ events: inout YAMLEvents, depth: Int
    ) throws(YAMLViolation) -> YAMLNode {
        nodes += 1
        guard nodes <= YAMLDocument.maxNodes, depth <= YAMLDocument.maxDepth else {
            let limit =
                depth > YAMLDocument.maxDepth
                ? "nested deeper than \(YAMLDocument.maxDepth) levels" : "more than \(YAMLDocument.maxNodes) values"
            throw YAMLViolation(position: event.position, message: limit)
        }
        if let ornament = event.ornament { refuse("\(ornament) is not taken: write the value itself", event) }
        let content: YAMLNode.Content
        switch event.kind {
        case .text(let text, let isPlain): content = .text(text, isPlain: isPlain)
        case .listBegins: content = .list(try list(&events, depth: depth))
        case .mappingBegins: content = .mapping(try mapping(&events, depth: depth))
        default:
            refuse("a reference (*) is not taken: write the value itself, or quote a text that begins with *", event)
            content = .text("*", isPlain: false)
        }
        return YAMLNode(position: event.position, content: content)
    }

    private mutating func list(_ events: inout YAMLEvents, depth: Int) throws(YAMLViolation) -> [YAMLNode] {
        var elements: [YAMLNode] = []
        while true {
            let event = try events.next()
            if case .ends = event.kind { return elements }
            elements.append(try node(event, &events, depth: depth + 1))
        }
    }

    private mutating func mapping(
        _ events: inout YAMLEvents, depth: Int
    ) throws(YAMLViolation) -> [YAMLNode.Member] {
        var members: [YAMLNode.Member] = []
        while true {
            let event = try events.next()
            if case .ends = event.kind { return members }
            let key = try node(event, &events, depth: depth + 1)
            let value = try node(try events.next(), &events, depth: depth + 1)
            guard case .text(let name, _) = key.content else {
                refuse("a key is a word", event)
                continue
            }
            members.append(YAMLNode.Member(key: name, position: key.position, value: value))
        }
    }

    private mutating func refuse(_ message: String, _ event: YAMLEvent) {
        violations.append(YAMLViolation(position: event.position, message: message))
    }
}
