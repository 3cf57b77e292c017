internal import WSLoop

/// The loop's sockets: one set in the kernel, which reports each change of readiness once.
final class DescriptorTable: StreamSetDelegate {
    private var slots: [Slot] = []
    private var free: [UInt32] = []
    private var set: StreamSet?

    private struct Slot {
        var descriptor: Descriptor?
        var generation: UInt32 = 0
    }

    init(on loop: Loop) throws(SystemError) {
        set = try StreamSet(on: loop, delegate: self)
    }

    /// The open descriptors, by name.
    var names: [String] { slots.compactMap { $0.descriptor?.name } }

    /// Adds a socket, which is closed if that fails.
    func add(_ number: Int32, _ kind: StaticString) throws(SystemError) -> Descriptor {
        let slot = free.popLast() ?? UInt32(slots.count)
        if slot == slots.count { slots.append(Slot()) }
        let key = StreamKey(slot: slot, generation: slots[Int(slot)].generation)
        do throws(SystemError) {
            try set?.add(number, key: key, interest: [.readable, .writable, .onlyChanges])
        } catch {
            free.append(slot)
            Socket.close(number)
            throw error
        }
        let descriptor = Descriptor(number, kind, key, in: self)
        slots[Int(slot)].descriptor = descriptor
        return descriptor
    }

    /// Forgets a socket, before it is closed.
    func remove(_ descriptor: Descriptor) {
        set?.remove(descriptor.number)
        let slot = Int(descriptor.key.slot)
        slots[slot].descriptor = nil
        slots[slot].generation &+= 1
        free.append(descriptor.key.slot)
    }

    /// Called by the set.
    func streamReady(_ key: StreamKey, _ readiness: Readiness) {
        let slot = slots[Int(key.slot)]
        if slot.generation == key.generation { slot.descriptor?.becomeReady(readiness) }
    }

    func closeAll() {
        for slot in slots { slot.descriptor?.close() }
    }

    func close() {
        set?.close()
        set = nil
    }
}

/// A non-blocking socket, its known readiness, and the tasks that wait for more: one to read and one to write.
final class Descriptor {
    enum Direction { case read, write }

    let number: Int32
    let key: StreamKey
    private let kind: StaticString
    private unowned let table: DescriptorTable
    private let reader = WaitPlace()
    private let writer = WaitPlace()
    // The kernel reports changes only: what may be ready at first has to be tried.
    private var readiness: Readiness = [.readable, .writable]
    private(set) var isClosed = false

    init(_ number: Int32, _ kind: StaticString, _ key: StreamKey, in table: DescriptorTable) {
        self.number = number
        self.kind = kind
        self.key = key
        self.table = table
    }

    /// What it is and who waits for it, for a report.
    var name: String {
        let waiting = (reader.isTaken ? ", reading" : "") + (writer.isTaken ? ", writing" : "")
        let peer = SocketAddress(peerOf: number)
        let address = peer.port == nil ? SocketAddress(boundTo: number) : peer
        return "\(kind) \(address)\(waiting)"
    }

    func becomeReady(_ change: Readiness) {
        let failed = change.contains(.hangUp)
        readiness.formUnion(change)
        if failed { readiness.formUnion([.readable, .writable]) }
        if readiness.contains(.readable) { reader.wake(.ready) }
        if readiness.contains(.writable) { writer.wake(.ready) }
    }

    /// Notes that a call would have blocked.
    func isExhausted(_ direction: Direction) {
        readiness.remove(direction == .read ? .readable : .writable)
    }

    /// Notes that a read returned less than there was room for.
    ///
    /// The kernel reports what comes later. It does not report again an end that it has reported together with the
    /// bytes just read.
    func wasEmptied() {
        if readiness.isDisjoint(with: [.peerEnded, .hangUp]) { readiness.remove(.readable) }
    }

    /// Whether a call may succeed; if not, wait.
    func mayBeReady(_ direction: Direction) -> Bool {
        readiness.contains(direction == .read ? .readable : .writable)
    }

    func place(_ direction: Direction) -> WaitPlace { direction == .read ? reader : writer }

    /// Closes the socket and wakes those who wait for it; closing twice is harmless.
    ///
    /// - Parameter closing: closes the socket itself.
    func close(_ closing: ((Int32) -> Void) = Socket.close) {
        guard !isClosed else { return }
        isClosed = true
        table.remove(self)
        closing(number)
        reader.wake(.closed)
        writer.wake(.closed)
    }
}
