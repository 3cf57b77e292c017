/// A limit of a control group, and the file that sets it.
public struct ControlGroupLimit<Value: Comparable & Sendable>: Equatable, Sendable {
    /// In bytes or cores.
    public let value: Value
    /// The file's path.
    public let file: String
}

/// The limits that control groups set for a process, in version 1, version 2 or a mix of both (cgroups(7)).
///
/// The lowest limit from the process' own group up to the topmost mounted group applies. libuv 1.44 reads only the
/// memory limit of version 1, and no CPU quota.
struct ControlGroups {
    /// The usual mount points of distributions and container runtimes, used if mountinfo lists none.
    private static let usualMounts = [
        ControlGroupMount(at: "/sys/fs/cgroup"), ControlGroupMount(at: "/sys/fs/cgroup/unified"),
        ControlGroupMount(controllers: ["memory"], at: "/sys/fs/cgroup/memory"),
        ControlGroupMount(controllers: ["cpu"], at: "/sys/fs/cgroup/cpu"),
        ControlGroupMount(controllers: ["cpu"], at: "/sys/fs/cgroup/cpu,cpuacct"),
    ]

    private let mounts: [ControlGroupMount]
    /// The group of each version 1 controller; the version 2 group has the empty name.
    private let groups: [Substring: String]
    private let read: (String) -> String?

    /// - Parameter read: returns a file's text; nil if there is no such file.
    init(read: @escaping (String) -> String?) {
        self.read = read
        let lines = (read("/proc/self/mountinfo") ?? "").split(separator: "\n")
        let mounted = lines.compactMap { ControlGroupMount(line: $0) }
        mounts = mounted + ControlGroups.usualMounts.filter { usual in !mounted.contains { $0.point == usual.point } }
        groups = ControlGroups.groups(read("/proc/self/cgroup") ?? "")
    }

    /// Parses `4:cpu,cpuacct:/path` and, for version 2, `0::/path`.
    private static func groups(_ text: String) -> [Substring: String] {
        var groups: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                groups[controller] = String(parts[2])
            }
        }
        return groups
    }

    /// The lowest memory limit in bytes.
    var memory: ControlGroupLimit<Int>? {
        lowest(
            directories(nil).flatMap { [$0 + "/memory.max", $0 + "/memory.high"] }
                + directories("memory").map { $0 + "/memory.limit_in_bytes" }
        ) { file in number(file) }
    }

    /// The lowest CPU quota in cores.
    var cores: ControlGroupLimit<Double>? {
        let unified = lowest(directories(nil).map { $0 + "/cpu.max" }) { file in
            let numbers = (read(file) ?? "").split(whereSeparator: \.isWhitespace).map { Int($0) }
            return numbers.count == 2 ? ControlGroups.cores(numbers[0], of: numbers[1]) : nil
        }
        let legacy = lowest(directories("cpu").map { $0 + "/cpu.cfs_quota_us" }) { file in
            ControlGroups.cores(number(file), of: number(file.dropLast("quota_us".count) + "period_us"))
        }
        return [unified, legacy].compactMap { $0 }.min { $0.value < $1.value }
    }

    private static func cores(_ quota: Int?, of period: Int?) -> Double? {
        guard let quota, let period, quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }

    /// The directories with files of a version 1 controller; with nil, of version 2.
    private func directories(_ controller: Substring?) -> [String] {
        mounts.filter { mount in
            controller.map { mount.controllers?.contains($0) ?? false } ?? (mount.controllers == nil)
        }.flatMap { $0.directories(of: groups[controller ?? ""] ?? "/") }
    }

    /// The lowest limit; the first of equal ones.
    private func lowest<Value>(_ files: [String], _ value: (String) -> Value?) -> ControlGroupLimit<Value>? {
        files.compactMap { file in value(file).map { ControlGroupLimit(value: $0, file: file) } }
            .min { $0.value < $1.value }
    }

    /// A positive number; nil for `max`, for -1, and for a missing file.
    private func number(_ file: String) -> Int? {
        let word = read(file)?.split(whereSeparator: \.isWhitespace).first
        return word.flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
}
