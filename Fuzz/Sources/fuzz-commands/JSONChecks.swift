import Bytes
import FuzzSupport

/// The validator and the object parser agree with each other and with a naive implementation of RFC 8259.
func checkJSON(_ text: [UInt8], isObject: Bool) {
    let isValid = JSON.isValid(text.rawSpan)
    expectEqual(isValid, NaiveJSON.isValid(text), "valid JSON")
    let first = text.first { !NaiveJSON.whitespace.contains($0) }
    expectEqual(isObject, isValid && first == UInt8(ascii: "{"), "a JSON object")
    guard !isObject else { return }
    do throws(JSONViolation) {
        _ = try JSONObject(parsing: text.rawSpan)
        expect(false, "an object that the command's parser refused")
    } catch {
        switch error {
        case .notAnObject: expect(first != UInt8(ascii: "{"), "an object that is none")
        case .truncated: break
        case .malformed(let offset), .tooDeep(let offset):
            expect(text.indices.contains(offset), "byte \(offset) of \(text.count)")
        }
    }
}

/// A recursive descent parser of RFC 8259's rules, over Unicode scalars.
private struct NaiveJSON {
    static let whitespace: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]

    private var rest: Substring.UnicodeScalarView
    private var depth = 0

    static func isValid(_ text: [UInt8]) -> Bool {
        guard let string = String(validating: text, as: UTF8.self) else { return false }
        var parser = NaiveJSON(rest: string[...].unicodeScalars)
        guard parser.value() else { return false }
        parser.blank()
        return parser.rest.isEmpty
    }

    private mutating func value() -> Bool {
        blank()
        switch rest.first {
        case "{": return list("{", "}") { $0.string() && $0.token(":") && $0.value() }
        case "[": return list("[", "]") { $0.value() }
        case "\"": return string()
        case "t": return literal("true")
        case "f": return literal("false")
        case "n": return literal("null")
        default: return number()
        }
    }

    private mutating func list(
        _ open: Unicode.Scalar, _ close: Unicode.Scalar, of element: (inout NaiveJSON) -> Bool
    ) -> Bool {
        guard depth < 128 else { return false }
        depth += 1
        defer { depth -= 1 }
        guard token(open), !token(close) else { return true }
        repeat {
            guard element(&self) else { return false }
        } while token(",")
        return token(close)
    }

    private mutating func string() -> Bool {
        guard token("\"") else { return false }
        while let scalar = rest.popFirst() {
            if scalar == "\"" { return true }
            guard scalar.value >= 0x20, scalar != "\\" || escape() else { return false }
        }
        return false
    }

    private mutating func escape() -> Bool {
        guard let letter = rest.popFirst() else { return false }
        guard letter == "u" else { return "\"\\/bfnrt".unicodeScalars.contains(letter) }
        return (0..<4).allSatisfy { _ in rest.popFirst()?.properties.isASCIIHexDigit == true }
    }

    private mutating func number() -> Bool {
        _ = take("-")
        if !take("0") {
            guard digits() else { return false }
        }
        if take(".") {
            guard digits() else { return false }
        }
        guard take("e") || take("E") else { return true }
        _ = take("+") || take("-")
        return digits()
    }

    private mutating func digits() -> Bool {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        return !digits.isEmpty
    }

    private mutating func literal(_ word: String) -> Bool {
        word.unicodeScalars.allSatisfy { take($0) }
    }

    private mutating func token(_ scalar: Unicode.Scalar) -> Bool {
        blank()
        return take(scalar)
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func blank() {
        rest = rest.drop { $0.value < 0x80 && NaiveJSON.whitespace.contains(UInt8($0.value)) }
    }
}
