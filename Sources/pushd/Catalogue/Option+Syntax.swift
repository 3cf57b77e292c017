import ArgumentParser

// The declaration of an option: its purpose, the syntax of its values, and its default.
extension Option {
    /// An option that always has a value.
    ///
    /// - Parameter default: the default in words, if it is more than `wrappedValue`.
    init(
        wrappedValue: Value, _ meaning: String, _ syntax: ValueSyntax<Value>, default: String? = nil,
        name: NameSpecification = .long
    ) {
        self.init(
            wrappedValue: wrappedValue, name: name, parsing: .unconditional,
            help: ArgumentHelp(meaning, syntax.name, ["default: \(`default` ?? syntax.text(wrappedValue))"]),
            transform: syntax.parse)
    }

    /// An option without a default.
    init<Wrapped>(
        _ meaning: String, _ syntax: ValueSyntax<Wrapped>, default: String? = nil, name: NameSpecification = .long
    ) where Value == Wrapped? {
        self.init(
            name: name, parsing: .unconditional,
            help: ArgumentHelp(meaning, syntax.name, [`default`.map { "default: \($0)" }]), transform: syntax.parse)
    }

    /// An option that may be repeated; the values that are given replace the default.
    init<Element>(
        wrappedValue: [Element], _ meaning: String, _ syntax: ValueSyntax<Element>, default: String? = nil
    ) where Value == [Element] {
        let values = wrappedValue.isEmpty ? nil : wrappedValue.map(syntax.text).joined(separator: ",")
        self.init(
            wrappedValue: wrappedValue, parsing: .unconditionalSingleValue,
            help: ArgumentHelp(
                meaning, syntax.name, ["repeatable", (`default` ?? values).map { "default: \($0)" }]),
            transform: syntax.parse)
    }
}

extension ArgumentHelp {
    /// Help of the form `MEANING (NOTE; NOTE)`, with a period.
    fileprivate init(_ meaning: String, _ valueName: String, _ notes: [String?]) {
        let notes = notes.compactMap(\.self).joined(separator: "; ")
        self.init("\(meaning)\(notes.isEmpty ? "" : " (\(notes))").", valueName: valueName)
    }
}
