import Testing

/// A strict parser of the Prometheus text format, limited to what this server may write.
struct Exposition {
    struct Family {
        let type: String
        var samples: [(name: String, labels: String, value: Double)] = []
    }

    private(set) var families: [String: Family] = [:]

    init(parsing text: String) throws {
        guard text.hasSuffix("\n") else { throw TestFailure(description: "no line feed at the end") }
        var family = ""
        var helped = ""
        for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, !words[3].isEmpty else { throw TestFailure(description: "\(line)") }
                helped = words[2]
            } else if line.hasPrefix("# TYPE ") {
                family = words[2]
                guard words.count == 4, helped == family, families[family] == nil,
                    ["counter", "gauge", "histogram"].contains(words[3])
                else { throw TestFailure(description: "\(line)") }
                families[family] = Family(type: words[3])
            } else {
                try addSample(line, to: family)
            }
        }
        for (name, family) in families { try Exposition.check(name, family) }
    }

    /// The value of a sample with this name.
    func value(_ sample: String) -> Double? {
        for family in families.values {
            for candidate in family.samples where candidate.name + candidate.labels == sample { return candidate.value }
        }
        return nil
    }

    private mutating func addSample(_ line: Substring, to family: String) throws {
        let pattern = /([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:,?[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")+\})? ([^ ]+)/
        guard let match = line.wholeMatch(of: pattern), let value = Double(match.3) else {
            throw TestFailure(description: "no sample: \(line)")
        }
        let name = String(match.1)
        let suffixes = families[family]?.type == "histogram" ? ["_bucket", "_sum", "_count"] : [""]
        guard suffixes.contains(where: { family + $0 == name }) else {
            throw TestFailure(description: "not under its TYPE: \(line)")
        }
        let labels = match.2.map(String.init) ?? ""
        guard self.value(name + labels) == nil else { throw TestFailure(description: "twice: \(line)") }
        families[family]?.samples.append((name, labels, value))
    }

    private static func check(_ name: String, _ family: Family) throws {
        guard !family.samples.isEmpty else { throw TestFailure(description: "\(name) has no sample") }
        switch family.type {
        case "counter":
            guard name.hasSuffix("_total"), family.samples.allSatisfy({ $0.value >= 0 }) else {
                throw TestFailure(description: "\(name) is no counter")
            }
        case "histogram":
            let buckets = family.samples.filter { $0.name == name + "_bucket" }
            let count = family.samples.first { $0.name == name + "_count" }
            guard zip(buckets, buckets.dropFirst()).allSatisfy({ $0.value <= $1.value }),
                buckets.last?.labels == #"{le="+Inf"}"#, buckets.last?.value == count?.value,
                family.samples.contains(where: { $0.name == name + "_sum" })
            else { throw TestFailure(description: "\(name) is no histogram") }
        default: break
        }
    }
}
