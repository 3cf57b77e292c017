/// A mount point of a control group hierarchy, from a line of /proc/self/mountinfo (proc(5)).
struct ControlGroupMount {
    /// The hierarchy: the controllers of a version 1 hierarchy, or nil for version 2.
    let controllers: [Substring]?
    /// The group that is mounted here; not `/` in a container that sees only its own subtree.
    let root: String
    let point: String

    /// A version 1 hierarchy if it has controllers, else version 2.
    init(controllers: [Substring]? = nil, root: String = "/", at point: String) {
        self.controllers = controllers
        self.root = root
        self.point = point
    }

    /// Parses a line; nil if it describes another file system.
    ///
    /// `36 35 98:0 /root /point rw,noatime shared:1 - cgroup cgroup rw,memory`, with any number of fields before `-`.
    init?(line: Substring) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        guard let dash = fields.dropFirst(6).firstIndex(of: "-"), fields.count > dash + 3 else { return nil }
        switch fields[dash + 1] {
        case "cgroup2": controllers = nil
        case "cgroup": controllers = fields[dash + 3].split(separator: ",")
        default: return nil
        }
        root = ControlGroupMount.unescaped(fields[3])
        point = ControlGroupMount.unescaped(fields[4])
    }

    /// The directories of a group and its parents below this mount, starting with the group itself.
    ///
    /// If the group is not below the mounted one, the process sees a different name for it (cgroup_namespaces(7)) or
    /// was moved into a container. The mounted group then counts.
    func directories(of group: String) -> [String] {
        var names = group.split(separator: "/")
        let above = root.split(separator: "/")
        let isBelow = names.starts(with: above) && !names.contains("..") && !above.contains("..")
        names = isBelow ? Array(names.dropFirst(above.count)) : []
        return (0...names.count).reversed().map { count in
            ([Substring(point)] + names.prefix(count)).joined(separator: "/")
        }
    }

    /// The kernel writes space, tab, line feed and backslash as a backslash and three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var parts = field.split(separator: "\\", omittingEmptySubsequences: false)
        var text = String(parts.removeFirst())
        for part in parts {
            let code = UInt8(part.prefix(3), radix: 8).map { String(UnicodeScalar($0)) }
            text += code.map { $0 + part.dropFirst(3) } ?? "\\" + part
        }
        return text
    }
}
