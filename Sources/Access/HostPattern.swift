internal import Bytes

/// A host name, `*.example.org` for its subdomains at any depth, or `*` for all names; without a port.
public struct HostPattern: Sendable, CustomStringConvertible {
    private enum Kind: Equatable {
        case any
        case exactly(String)
        case endingWith(String)
    }

    /// Any name.
    public static let any = HostPattern(description: "*", kind: .any)

    /// The pattern as it was written.
    public let description: String
    private let kind: Kind

    private init(description: String, kind: Kind) {
        self.description = description
        self.kind = kind
    }

    /// Parses a pattern; nil if it is not valid.
    public init?(_ text: String) {
        description = text
        let name = text.lowercased()
        if name == "*" {
            kind = .any
        } else if name.hasPrefix("*.") {
            guard HostPattern.isName(name.dropFirst(2)) else { return nil }
            kind = .endingWith(String(name.dropFirst()))
        } else {
            guard HostPattern.isName(name[...]) else { return nil }
            kind = .exactly(name)
        }
    }

    var matchesAll: Bool { kind == .any }

    /// Whether a name (in lower case) matches the pattern.
    func matches(_ name: Substring) -> Bool {
        switch kind {
        case .any: true
        case .exactly(let expected): name == expected
        case .endingWith(let suffix): name.count > suffix.count && name.hasSuffix(suffix) && HostPattern.isName(name)
        }
    }

    /// Non-empty labels of letters, digits, hyphens and underscores, or an IPv6 address in brackets.
    private static func isName(_ text: Substring) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            return text.dropFirst().dropLast().utf8.allSatisfy(isAddressByte)
        }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.utf8.allSatisfy(isLabelByte)
        }
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        byte.hexDigitValue != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        byte.isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}
