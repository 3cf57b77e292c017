/// The names of the options' environment variables, and warnings about others with the same prefix.
enum VariableNames {
    static let prefix = "PUSHD_"

    /// The variables of all serve options, and `PUSHD_URL`, which clients read (examples/publish).
    static let known: [String] = ServeOptions.catalogue.entries.map(\.variable) + ["PUSHD_URL"]

    /// The variable of an option: that of `--max-publish` is PUSHD_MAX_PUBLISH.
    static func variable(of option: String) -> String {
        prefix + option.dropFirst(2).map { $0 == "-" ? "_" : $0.uppercased() }.joined()
    }

    /// Warnings about variables without an option, with the nearest known name.
    static func warnings(_ environment: [String: String]) -> [String] {
        environment.filter { name, value in
            name.hasPrefix(prefix) && !known.contains(name) && !isOfKubernetes(name, value)
        }.keys.sorted().map { name in
            let hint = nearest(to: name).map { ": did you mean \($0)?" } ?? ""
            return "the variable \(name) has no effect, no option has this name\(hint)"
        }
    }

    /// Kubernetes sets such variables for a Service named pushd or pushd-admin, in all pods of its namespace.
    private static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
        ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].contains { name.contains($0) }
            || name.hasSuffix("_PORT") && value.contains("://")
    }

    /// The known name with the fewest changes, if they are few.
    private static func nearest(to name: String) -> String? {
        known.map { (name: $0, changes: changes(from: Array(name.uppercased().utf8), to: Array($0.utf8))) }
            .filter { $0.changes <= max(1, ($0.name.utf8.count - prefix.utf8.count) / 4) }
            .min { $0.changes < $1.changes }?.name
    }

    /// The number of bytes to insert, remove or replace (Levenshtein distance).
    private static func changes(from left: [UInt8], to right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (index, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, other) in right.enumerated() {
                let replaced = diagonal + (byte == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[right.count]
    }
}
