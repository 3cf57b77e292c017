internal import Channels
internal import WSLoop

/// The connections of a loop by their slot in the hub, and the readiness that their sockets are watched for.
final class ConnectionTable {
    private let hub: Hub
    private var streams: StreamSet?
    // Unchecked (docs/decisions/0009): touched for each event of a socket.
    @safe @exclusivity(unchecked) private var connections: ContiguousArray<Connection?> = []
    private var lastGeneration: UInt32 = 0
    /// How many connections there are.
    private(set) var count = 0

    init(_ hub: Hub) {
        self.hub = hub
    }

    func open(on loop: Loop, delegate: any StreamSetDelegate) throws(SystemError) {
        streams = try StreamSet(on: loop, delegate: delegate)
    }

    func close() {
        streams?.close()
    }

    /// Takes a slot in the hub for a descriptor; returns the key of the connection that will be in it.
    func takeSlot(for descriptor: Int32) -> StreamKey {
        lastGeneration &+= 1
        return StreamKey(slot: hub.add(link: descriptor), generation: lastGeneration)
    }

    /// Adds a connection; gives its slot back if its socket cannot be watched.
    func insert(_ connection: Connection) throws(SystemError) {
        do throws(SystemError) {
            try streams?.add(connection.descriptor, key: connection.key, interest: connection.interest)
        } catch {
            hub.remove(connection.slot)
            throw error
        }
        while connections.count <= Int(connection.slot) { connections.append(nil) }
        connections[Int(connection.slot)] = connection
        count += 1
    }

    /// Removes a connection, before its socket is closed.
    func remove(_ connection: Connection) {
        connections[Int(connection.slot)] = nil
        streams?.remove(connection.descriptor)
        count -= 1
    }

    /// One more than the highest slot that was ever taken.
    var slotCount: Int { connections.count }

    /// The connection in a slot; nil if there is none now.
    subscript(slot: UInt32) -> Connection? { connections[Int(slot)] }

    /// The connection with a key, unless it has ended.
    subscript(key: StreamKey) -> Connection? {
        guard Int(key.slot) < connections.count, let connection = connections[Int(key.slot)],
            connection.generation == key.generation
        else { return nil }
        return connection
    }

    /// All connections; a copy, so that some may end meanwhile.
    var all: [Connection] { connections.compactMap { $0 } }

    /// Sets the readiness that a connection's socket is watched for.
    func setInterest(_ interest: Readiness, _ connection: Connection) {
        guard interest != connection.interest else { return }
        connection.interest = interest
        streams?.update(connection.descriptor, key: connection.key, interest: interest)
    }
}
