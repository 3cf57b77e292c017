import Bytes

/// Makes new lines that hold the chosen fields of each line.
struct Transform {
    private let fields: [Field]
    /// What is written before the value of each field: `{"id":`, `,"user":`.
    private let beginnings: [[UInt8]]
    private var positions: JSONFields

    init(_ fields: [Field]) {
        self.fields = fields
        positions = JSONFields(fields.map(\.name))
        beginnings = fields.enumerated().map { index, field in
            var text = [index == 0 ? UInt8(ascii: "{") : UInt8(ascii: ",")]
            JSON.appendString(field.name, to: &text)
            return text + [UInt8(ascii: ":")]
        }
    }

    /// Transforms lines; those that are no JSON object, or lack a field that can be converted, are dropped and counted.
    mutating func apply(to text: [UInt8]) -> (output: [UInt8], lines: Int, dropped: Int) {
        var output: [UInt8] = []
        output.reserveCapacity(text.count / 2)
        var lines = 0
        var dropped = 0
        var start = 0
        while start < text.count {
            let end = text[start...].firstIndex(of: newline) ?? text.count
            lines += 1
            let kept = output.count
            if !append(text.rawSpan.extracting(start..<end), to: &output) {
                output.removeSubrange(kept...)
                dropped += 1
            }
            start = end + 1
        }
        return (output, lines, dropped)
    }

    private mutating func append(_ line: RawSpan, to output: inout [UInt8]) -> Bool {
        do throws(JSONViolation) { try positions.find(in: line) } catch { return false }
        for index in fields.indices {
            guard let range = positions.range(of: index) else { return false }
            output += beginnings[index]
            guard fields[index].append(line.extracting(range), to: &output) else { return false }
        }
        output.append(UInt8(ascii: "}"))
        output.append(newline)
        return true
    }
}
