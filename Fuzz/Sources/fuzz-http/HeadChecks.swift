import FuzzSupport

@testable import HTTP

/// All functions that look up header fields by name must agree.
func checkFields(_ head: RequestHead) {
    for name in ["host", "connection", "upgrade", "cookie", "x", "sec-websocket-protocol"] as [StaticString] {
        let elements = head.listValues(of: name)
        expectEqual(head.value(of: name) != nil, head.count(of: name) > 0, "\(name) is there and is not")
        for element in elements {
            expect(!element.isEmpty, "an empty element in \(name)")
            let ends = [element.utf8.first, element.utf8.last]
            expect(!ends.contains(UInt8(ascii: " ")) && !ends.contains(UInt8(ascii: "\t")), "white space around one")
        }
        for token in ["upgrade", "websocket", "close", "keep-alive"] as [StaticString] {
            let isListed = elements.contains { lowercased($0).elementsEqual("\(token)".utf8) }
            expectEqual(head.hasToken(token, in: name), isListed, "\(name) has \(token)")
        }
    }
    if head.hasToken("close", in: "connection") { expect(!head.keepsAlive, "a connection lives on after close") }
}

/// Lower-cases only ASCII letters: `String.lowercased` turns a Kelvin sign into a k.
private func lowercased(_ text: String) -> some Sequence<UInt8> {
    text.utf8.lazy.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
}

/// The target's parts must be the ones that a naive parser finds.
func checkTarget(_ head: RequestHead) {
    let path = head.path
    expect(path.hasPrefix("/") || path == "*", "a path of \(path)")
    expect(head.target.hasSuffix(head.path) || head.target.contains(head.path + "?") || path == "/", "another path")
    expect(head.host != nil || head.minorVersion == 0, "HTTP/1.1 without a host")
    for name in ["channel", "user_id", "a b"] as [StaticString] {
        let values = try? head.queryValues(of: name)
        if let expected = naiveQueryValues(head.target, "\(name)") {
            expectEqual(values?.map { Array($0.utf8) }, expected, "\(name) in \(head.target)")
        } else {
            expectEqual(values, nil, "\(name) is decoded from \(head.target)")
        }
    }
}

/// A naive parser of `application/x-www-form-urlencoded`; nil if a name or a requested value is malformed.
private func naiveQueryValues(_ target: String, _ name: String) -> [[UInt8]]? {
    guard let question = target.firstIndex(of: "?") else { return [] }
    var values: [[UInt8]] = []
    for parameter in target[target.index(after: question)...].split(separator: "&") {
        let halves = parameter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let parameterName = naiveDecoded(halves[0]) else { return nil }
        guard parameterName == Array(name.utf8) else { continue }
        guard let value = naiveDecoded(halves.count > 1 ? halves[1] : "") else { return nil }
        values.append(value)
    }
    return values
}

private func naiveDecoded(_ text: Substring) -> [UInt8]? {
    let pieces = text.split(separator: "%", omittingEmptySubsequences: false)
    var bytes = plusDecoded(pieces[0])
    for piece in pieces.dropFirst() {
        let digits = piece.prefix(2)
        guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let byte = UInt8(digits, radix: 16) else {
            return nil
        }
        bytes += [byte] + plusDecoded(piece.dropFirst(2))
    }
    return String(validating: bytes, as: UTF8.self) == nil ? nil : bytes
}

private func plusDecoded(_ text: Substring) -> [UInt8] {
    text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
}
