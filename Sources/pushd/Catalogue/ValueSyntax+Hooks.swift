extension ValueSyntax where Value == String {
    /// The URL of a server that pushd asks.
    static var webURL: ValueSyntax {
        ValueSyntax("url") { text throws(ValueViolation) in
            let scheme = ["http://", "https://"].first { text.lowercased().hasPrefix($0) }
            let rest = text.dropFirst(scheme?.count ?? 0)
            let isPlain = text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
            guard scheme != nil, isPlain, let first = rest.first, !"/?#:@".contains(first) else {
                // It may hold a password.
                throw ValueViolation(
                    value: text.contains("@") ? "***" : text, expected: "a URL such as https://app.internal/hook")
            }
            return text
        }
    }

    /// The name of a header field, in lower case.
    static var headerName: ValueSyntax {
        ValueSyntax("name", "a header's name, such as cookie") { text in
            let isName =
                !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
            return isName ? text.lowercased() : nil
        }
    }
}
