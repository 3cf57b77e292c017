internal import CUV

/// The memory and the cores that the process may use: the machine's, or less where a control group says so.
public struct SystemResources: Sendable {
    /// The memory in bytes.
    public let memoryBytes: Int
    /// How many threads can run at once: a part of a core counts as one.
    public let cores: Int
    /// The memory limit of a control group, if it is below what the machine has.
    public let memoryLimit: ControlGroupLimit<Int>?
    /// The CPU quota of a control group in cores, if it is below what the machine has.
    public let coreLimit: ControlGroupLimit<Double>?

    init(machineMemoryBytes: Int, machineCores: Int, groups: ControlGroups) {
        memoryLimit = groups.memory.flatMap { $0.value < machineMemoryBytes ? $0 : nil }
        coreLimit = groups.cores.flatMap { $0.value < Double(machineCores) ? $0 : nil }
        memoryBytes = memoryLimit?.value ?? machineMemoryBytes
        cores = coreLimit.map { Int($0.value.rounded(.up)) } ?? machineCores
    }

    /// Asks the system.
    public static func measure() -> SystemResources {
        let total = Int(clamping: uv_get_total_memory())
        return SystemResources(
            machineMemoryBytes: total > 0 ? total : Int.max, machineCores: max(Int(uv_available_parallelism()), 1),
            groups: ControlGroups { SystemFile.text($0) })
    }
}
