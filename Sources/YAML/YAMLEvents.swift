internal import CYAML

/// The steps of a text, which libyaml reads.
@safe
struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>

    /// - Parameter text: must outlive this value.
    init(of text: UnsafeBufferPointer<UInt8>) {
        unsafe self.text = text
        unsafe parser = .allocate(capacity: 1)
        unsafe parser.initialize(to: yaml_parser_t())
        precondition(unsafe yaml_parser_initialize(parser) == 1, "no memory for a parser")
        // Otherwise libyaml also takes UTF-16.
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, text.baseAddress, text.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
    }

    /// Reads up to the next step.
    mutating func next() throws(YAMLViolation) -> YAMLEvent {
        var event = unsafe yaml_event_t()
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw violation }
        defer { unsafe yaml_event_delete(&event) }
        return unsafe YAMLEvent(event)
    }

    private var violation: YAMLViolation {
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? "unreadable"
        let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) }
        guard unsafe parser.pointee.error != YAML_READER_ERROR else {
            return YAMLViolation(position: position(ofByte: unsafe parser.pointee.problem_offset), message: problem)
        }
        // Where a word, a quoted text or a bracket begins says more than where the text ceases to be one.
        let hasBegun = ["while scanning", "while parsing a flow"].contains { context?.hasPrefix($0) == true }
        let mark = unsafe hasBegun ? parser.pointee.context_mark : parser.pointee.problem_mark
        let hint = YAMLEvents.hint(problem, context).map { "; \($0)" } ?? ""
        return YAMLViolation(
            position: YAMLPosition(mark), message: problem + (context.map { " (\($0))" } ?? "") + hint)
    }

    /// What is usually wrong then.
    private static func hint(_ problem: String, _ context: String?) -> String? {
        if context == "while scanning an alias" || context == "while scanning an anchor" {
            return "quote a value that begins with * or &"
        }
        switch problem {
        case "found character that cannot start any token":
            return "indent with spaces, and quote a value that begins with @, ` or %"
        case "mapping values are not allowed in this context":
            return "quote a value with a colon and a space in it, and check the indentation"
        case "did not find expected key", "did not find expected '-' indicator": return "check the indentation"
        default: return nil
        }
    }

    private func position(ofByte offset: Int) -> YAMLPosition {
        var (line, column) = (1, 1)
        for index in unsafe text.indices.prefix(offset) {
            let byte = unsafe text[index]
            if byte == UInt8(ascii: "\n") {
                (line, column) = (line + 1, 1)
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return YAMLPosition(line: line, column: column)
    }
}
