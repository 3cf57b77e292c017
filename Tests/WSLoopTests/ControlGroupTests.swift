import Testing

@testable import WSLoop

@Suite struct ControlGroupTests {
    private static let mebibyte = 1 << 20

    private func groups(_ files: [String: String]) -> ControlGroups {
        ControlGroups { files[$0] }
    }

    private static let unifiedMount = "30 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"

    @Test func aContainerSeesItsGroupAsTheRoot() {
        let groups = groups([
            "/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": ControlGroupTests.unifiedMount,
            "/sys/fs/cgroup/memory.max": "67108864\n", "/sys/fs/cgroup/memory.high": "max\n",
            "/sys/fs/cgroup/cpu.max": "50000 100000\n",
        ])
        #expect(groups.memory == ControlGroupLimit(value: 64 << 20, file: "/sys/fs/cgroup/memory.max"))
        #expect(groups.cores == ControlGroupLimit(value: 0.5, file: "/sys/fs/cgroup/cpu.max"))
    }

    @Test(arguments: [
        ["/a/b/memory.max": 3, "/a/memory.max": 4, "/memory.max": 5], ["/a/b/memory.max": 4, "/a/memory.max": 3],
        ["/a/memory.high": 3, "/a/b/memory.max": 4], ["/a/b/memory.high": 3], ["/memory.max": 3],
    ])
    func theLowestLimitOfAGroupAndItsParentsHolds(limits: [String: Int]) {
        var files = ["/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": ControlGroupTests.unifiedMount]
        files["/sys/fs/cgroup/other/memory.max"] = "1"
        for (name, value) in limits { files["/sys/fs/cgroup" + name] = "\(value)\n" }
        #expect(groups(files).memory?.value == 3)
    }

    @Test(arguments: [
        "max\n", "", "0\n", "-1\n", "lots\n", "18446744073709551615\n", "9223372036854771712\n",
    ])
    func whatIsNoLimitLeavesTheMachinesMemory(text: String) {
        for file in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            let resources = SystemResources(
                machineMemoryBytes: 8 << 30, machineCores: 4, groups: groups([file: text]))
            #expect(resources.memoryLimit == nil && resources.memoryBytes == 8 << 30)
        }
    }

    @Test(arguments: ["max 100000\n", "-1 100000\n", "50000\n", "", "50000 0\n", "0 100000\n", "a b\n"])
    func whatIsNoQuotaLeavesTheMachinesCores(text: String) {
        let resources = SystemResources(
            machineMemoryBytes: 1, machineCores: 4, groups: groups(["/sys/fs/cgroup/cpu.max": text]))
        #expect(resources.coreLimit == nil && resources.cores == 4)
    }

    @Test(arguments: [
        ("1000", 1), ("100000", 1), ("100001", 2), ("150000", 2), ("300000", 3), ("400000", 4), ("9900000", 4),
    ])
    func aPartOfACoreCountsAsOne(quota: String, cores: Int) {
        let files = [
            ["/sys/fs/cgroup/cpu.max": "\(quota) 100000"],
            ["/sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota, "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"],
        ]
        for files in files {
            let resources = SystemResources(machineMemoryBytes: 1, machineCores: 4, groups: groups(files))
            #expect(resources.cores == cores)
            #expect((resources.coreLimit == nil) == (Int(quota).map { $0 >= 400_000 } ?? false))
        }
    }

    /// Docker with version 1: the process' path is the host's path, and that group is mounted.
    @Test func version1WithTheGroupMountedAsTheRoot() {
        let groups = groups([
            "/proc/self/cgroup": "5:cpu,cpuacct:/docker/f00\n4:memory:/docker/f00\n1:name=systemd:/docker/f00\n",
            "/proc/self/mountinfo": """
            31 30 0:26 /docker/f00 /sys/fs/cgroup/memory ro,nosuid master:11 - cgroup cgroup rw,memory
            32 30 0:27 /docker/f00 /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct

            """,
            "/sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864\n",
            "/sys/fs/cgroup/memory/docker/f00/memory.limit_in_bytes": "1\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        ])
        #expect(groups.memory?.value == 64 << 20)
        #expect(groups.cores?.value == 0.5)
    }

    /// A systemd service on a host with both versions: the memory limit is version 1's, and the limit of its slice
    /// applies.
    @Test func bothVersions() {
        let groups = groups([
            "/proc/self/cgroup": """
            4:memory:/system.slice/p.service
            3:cpu,cpuacct:/system.slice
            0::/system.slice/p.service
            """,
            "/proc/self/mountinfo": """
            35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """,
            "/sys/fs/cgroup/memory/system.slice/p.service/memory.limit_in_bytes": "9223372036854771712\n",
            "/sys/fs/cgroup/memory/system.slice/memory.limit_in_bytes": "1048576\n",
            "/sys/fs/cgroup/unified/system.slice/p.service/cpu.max": "200000 100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/system.slice/cpu.cfs_quota_us": "150000\n",
            "/sys/fs/cgroup/cpu,cpuacct/system.slice/cpu.cfs_period_us": "100000\n",
        ])
        #expect(groups.memory?.value == ControlGroupTests.mebibyte)
        #expect(groups.cores?.value == 1.5)
    }

    @Test func anUnusualMountPointIsFound() {
        let groups = groups([
            "/proc/self/cgroup": "0::/a:b c\n",
            "/proc/self/mountinfo": "1 0 0:1 / /my\\040groups\\134 rw shared:1 master:2 - cgroup2 none rw\n",
            "/my groups\\/a:b c/memory.max": "1048576\n",
        ])
        #expect(groups.memory?.value == ControlGroupTests.mebibyte)
    }

    /// cgroup_namespaces(7): the paths of groups outside the namespace's root begin with `/..`.
    @Test(arguments: [("/", "/../.."), ("/../other", "/"), ("/", "/pods/x"), ("/pods/xy", "/pods/x")])
    func aGroupThatIsNotBelowTheMountedOneIsTakenForThatOne(group: String, root: String) {
        let groups = groups([
            "/proc/self/cgroup": "0::\(group)\n", "/proc/self/mountinfo": "1 0 0:1 \(root) /g rw - cgroup2 none rw\n",
            "/g/memory.max": "1048576\n", "/g/other/memory.max": "1\n",
        ])
        #expect(groups.memory?.value == ControlGroupTests.mebibyte)
    }

    @Test func withoutProcTheUsualPlacesAreTried() {
        let limit = groups(["/sys/fs/cgroup/memory.max": "1048576\n"]).memory
        #expect(limit?.file == "/sys/fs/cgroup/memory.max")
        #expect(groups([:]).memory == nil && groups([:]).cores == nil)
    }

    @Test(arguments: ["", "x", " - ", "1 2 3 4 5 6 - cgroup2", "1 2 3 4 - cgroup2 a b", "::\n::", "\n\n"])
    func linesThatAreNoneAreLeftOut(text: String) {
        let groups = groups([
            "/proc/self/cgroup": text, "/proc/self/mountinfo": text, "/sys/fs/cgroup/memory.max": "1048576",
        ])
        #expect(groups.memory?.value == ControlGroupTests.mebibyte)
    }

    @Test func moreThanTheMachineHasIsNoLimit() {
        let files = ["/sys/fs/cgroup/memory.max": "2048", "/sys/fs/cgroup/cpu.max": "300000 100000"]
        let resources = SystemResources(machineMemoryBytes: 1024, machineCores: 2, groups: groups(files))
        #expect(resources.memoryBytes == 1024 && resources.memoryLimit == nil)
        #expect(resources.cores == 2 && resources.coreLimit == nil)
        let small = SystemResources(machineMemoryBytes: 4096, machineCores: 4, groups: groups(files))
        #expect(small.memoryBytes == 2048 && small.cores == 3)
    }
}
