import Logging
import PushServer
import WSLoop

// The resources of the machine.
extension Settings {
    /// Control group limits below the machine's own, and the settings that follow from them; nil if there are none.
    var groupLimits: Logger.Metadata? {
        var limits: Logger.Metadata = [:]
        if let memory = resources.memoryLimit {
            limits["memory_bytes"] = "\(memory.value)"
            limits["memory_file"] = "\(memory.file)"
            limits["outbox_budget"] = "\(server.outboxBudgetBytes)"
            limits["inbound_budget"] = "\(server.inboundBudgetBytes)"
        }
        if let cores = resources.coreLimit {
            limits["cores"] = "\(cores.value)"
            limits["cores_file"] = "\(cores.file)"
            limits["workers"] = "\(server.workers)"
        }
        return limits.isEmpty ? nil : limits
    }
}
