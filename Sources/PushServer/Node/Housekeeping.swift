internal import Channels
internal import Logging
internal import WSLoop

/// Periodic tasks: checks the certificate files, forgets old revocations, and returns unused memory to the system.
struct Housekeeping {
    private static let certificateTicks = 4
    private static let memoryTicks = 20
    private static let revocationTicks = 240
    /// How many channels' histories are looked at per tick for old messages.
    private static let sweptHistories = 256

    private var ticks = 0
    private var memory = MemoryReturn()

    /// Called four times per second, on the node's loop.
    mutating func tick(_ state: ServerState) {
        ticks &+= 1
        state.directory.sweepHistories(Housekeeping.sweptHistories, at: Loop.monotonicNanoseconds)
        // Less often than at every tick, because checking a file accesses the disk.
        if ticks % Housekeeping.certificateTicks == 0 {
            state.configuration.certificates?.reloadIfChanged(logger: state.logger)
        }
        if ticks % Housekeeping.revocationTicks == 0 { state.revoked.removeEnded() }
        // A load spike is over some seconds later.
        let isDue = memory.isDue(
            heldBytes: state.bytes.inbound + state.bytes.outbound, peakBytes: state.bytes.takePeak(),
            mayReturn: ticks % Housekeeping.memoryTicks == 0)
        if isDue { returnMemory(state) }
    }

    private func returnMemory(_ state: ServerState) {
        let start = Loop.monotonicNanoseconds
        SystemLimits.returnFreeMemory()
        let milliseconds = (Loop.monotonicNanoseconds - start) / 1_000_000
        state.logger.debug("free memory given back", metadata: ["milliseconds": "\(milliseconds)"])
    }
}
