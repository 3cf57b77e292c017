/// Texts as a document writes them.
public enum YAMLText {
    /// A text that is read as this one, and as nothing else by other readers of YAML: with quotes if it needs them.
    public static func quoted(_ text: String) -> String {
        isPlain(text) ? text : "\"\(text.unicodeScalars.map(escaped).joined())\""
    }

    /// A letter and then also digits and a few signs that mean nothing to YAML; or a whole number, perhaps with a unit.
    private static func isPlain(_ text: String) -> Bool {
        let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        guard let first = text.utf8.first, !words.contains(text.lowercased()) else { return false }
        guard isLetter(first) else { return isDigit(first) && text.utf8.drop(while: isDigit).allSatisfy(isUnit) }
        return text.utf8.last != UInt8(ascii: ":")
            && text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "-_./:@+".utf8.contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Not the letters of `1e3` and `0x1F`.
    private static func isUnit(_ byte: UInt8) -> Bool { "KMGiBsmh".utf8.contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": return "\\\""
        case "\\": return "\\\\"
        case "\n": return "\\n"
        case "\t": return "\\t"
        case " "..."~": return String(scalar)
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            let digits = String(scalar.value, radix: 16)
            return "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
        default: return String(scalar)
        }
    }
}
