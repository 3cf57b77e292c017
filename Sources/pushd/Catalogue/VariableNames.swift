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
            let near = Spelling.nearest(to: name.uppercased(), among: known, prefix: prefix)
            let hint = near.map { ": did you mean \($0)?" } ?? ""
            return "the variable \(name) has no effect, no option has this name\(hint)"
        }
    }

    /// Kubernetes sets such variables for a Service named pushd or pushd-admin, in all pods of its namespace.
    private static func isOfKubernetes(_ name: String, _ value: String) -> Bool {
        ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT_"].contains { name.contains($0) }
            || name.hasSuffix("_PORT") && value.contains("://")
    }
}
