internal import HTTP

/// The header fields of handshakes that questions to the backend repeat (`--hook-header`), by connection.
///
/// They count as input that the connection holds.
final class KeptHeaders {
    typealias Fields = [(name: String, value: String)]

    /// The most bytes that a connection may have.
    static let maxBytes = 8192

    private let context: LoopContext
    private var fields: [UInt32: Fields] = [:]

    init(_ context: LoopContext) {
        self.context = context
    }

    /// Keeps the fields of a request; false if they are too large.
    func keep(_ head: RequestHead, of connection: Connection) -> Bool {
        let names = context.settings.configuration.hooks.headers
        guard !names.isEmpty else { return true }
        let found = names.compactMap { name in head.joinedValues(of: name).map { (name: name, value: $0) } }
        fields[connection.slot] = found.isEmpty ? nil : found
        return bytes(of: connection) <= KeptHeaders.maxBytes
    }

    func forget(_ connection: Connection) {
        if !fields.isEmpty { fields[connection.slot] = nil }
    }

    func fields(of connection: Connection) -> Fields { fields[connection.slot] ?? [] }

    func bytes(of connection: Connection) -> Int {
        guard !fields.isEmpty, let fields = fields[connection.slot] else { return 0 }
        return fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
    }
}

@available(*, unavailable)
extension KeptHeaders: Sendable {}
