internal import CUV

/// The memory and the cores that the process may use: the machine's, or less if a control group limits them.
public struct SystemResources: Sendable {
    /// The memory in bytes.
    public let memoryBytes: Int
    /// The number of threads that can run at once; a fraction of a core counts as one.
    public let cores: Int
    /// The memory limit of a control group, if it is lower than the machine's memory.
    public let memoryLimit: ControlGroupLimit<Int>?
    /// The CPU quota of a control group in cores, if it is lower than the machine's number of cores.
    public let coreLimit: ControlGroupLimit<Double>?

    init(machineMemoryBytes: Int, machineCores: Int, groups: ControlGroups) {
        memoryLimit = groups.memory.flatMap { $0.value < machineMemoryBytes ? $0 : nil }
        coreLimit = groups.cores.flatMap { $0.value < Double(machineCores) ? $0 : nil }
        memoryBytes = memoryLimit?.value ?? machineMemoryBytes
        cores = coreLimit.map { Int($0.value.rounded(.up)) } ?? machineCores
    }

    /// Reads the values from the system.
    public static func measure() -> SystemResources {
        let total = Int(clamping: uv_get_total_memory())
        return SystemResources(
            machineMemoryBytes: total > 0 ? total : Int.max, machineCores: max(Int(uv_available_parallelism()), 1),
            groups: ControlGroups { SystemFile.text($0) })
    }
}
