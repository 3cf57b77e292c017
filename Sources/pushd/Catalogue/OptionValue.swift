import ArgumentParser

/// Values of options of serve by themselves.
enum OptionValue {
    /// Why a text is not a value of an option; nil if it is one.
    static func violation(of text: String, for entry: OptionCatalogue.Entry) -> String? {
        guard entry.form != .nothing else { return flag(text) == nil ? "'\(text)' is not true or false" : nil }
        return violation(of: text, for: entry.option)
    }

    /// Why a text is not a value of an option that takes one; nil if it is one.
    ///
    /// ArgumentParser knows the syntax of each option, so it is asked.
    static func violation(of text: String, for option: String) -> String? {
        do {
            // Not OPTION=TEXT, since the text may be empty.
            _ = try ServeOptions.parse([option, text])
            return nil
        } catch {
            let message = ServeOptions.message(for: error)
            return UsageError.value(in: message).map { String($0.violation) } ?? message
        }
    }

    /// Whether all arguments can be parsed.
    static func areValid(_ arguments: [String]) -> Bool { (try? ServeOptions.parse(arguments)) != nil }

    /// The value of a flag; nil if a text is none.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "1", "true", "yes", "on": true
        case "0", "false", "no", "off": false
        default: nil
        }
    }
}
