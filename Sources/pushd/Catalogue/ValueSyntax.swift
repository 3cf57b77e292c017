/// The syntax of an option's values.
struct ValueSyntax<Value>: Sendable {
    /// The placeholder for a value in help, as in `--max-publish <size>`.
    let name: String
    /// Parses a value.
    let parse: @Sendable (String) throws(ValueViolation) -> Value
    /// Formats a value as it can be given, for the defaults in help.
    let text: @Sendable (Value) -> String

    /// A syntax whose parser explains its errors.
    init(
        _ name: String, text: @escaping @Sendable (Value) -> String = { "\($0)" },
        parse: @escaping @Sendable (String) throws(ValueViolation) -> Value
    ) {
        (self.name, self.parse, self.text) = (name, parse, text)
    }

    /// A syntax with one description for all values.
    ///
    /// - Parameter remedy: says what to write instead of a text that `parse` returns nil for.
    init(
        _ name: String, _ expected: String, remedy: @escaping @Sendable (String) -> String? = { _ in nil },
        text: @escaping @Sendable (Value) -> String = { "\($0)" }, parse: @escaping @Sendable (String) -> Value?
    ) {
        self.init(name, text: text) { given throws(ValueViolation) in
            if let value = parse(given) { return value }
            throw ValueViolation(value: given, expected: expected, remedy: remedy(given))
        }
    }

    /// A syntax of a type that parses its own texts and explains its errors.
    static func parsed<Violation: Error>(
        _ name: String, _ parse: @escaping @Sendable (String) throws(Violation) -> Value
    ) -> ValueSyntax {
        ValueSyntax(name) { given throws(ValueViolation) in
            do throws(Violation) {
                return try parse(given)
            } catch {
                throw ValueViolation(value: given, expected: "usable: \(error)")
            }
        }
    }
}

extension ValueSyntax where Value == String {
    /// Any text.
    static func text(_ name: String = "text") -> ValueSyntax { ValueSyntax(name) { $0 } }

    /// The path of a file.
    static var file: ValueSyntax { text("file") }
}

extension ValueSyntax where Value: CaseIterable & RawRepresentable<String> & Sendable {
    /// One of a few words.
    static func choice(_ name: String) -> ValueSyntax {
        let words = Value.allCases.map(\.rawValue)
        let expected =
            words.count > 3
            ? "one of \(words.joined(separator: ", "))"
            : "\(words.dropLast().joined(separator: ", ")) or \(words.last ?? "")"
        return ValueSyntax(name, expected, text: \.rawValue) { Value(rawValue: $0) }
    }
}
