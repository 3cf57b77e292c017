internal import Bytes

/// What a message is of a message that grows by pieces.
public struct GrowingPart: Equatable, Sendable {
    /// What it is.
    public enum Kind: Sendable {
        /// A piece, which is appended to those before.
        case piece
        /// The last piece.
        case last
        /// Everything so far, for a subscriber that comes later.
        case whole
    }

    /// The name of the growing message.
    public let id: String
    /// What it is.
    public let kind: Kind
    /// How many bytes the message had before a piece; nil if only this process appends to it.
    public let start: Int?

    /// A part of the growing message with a name.
    public init(of id: String, _ kind: Kind, from start: Int? = nil) {
        (self.id, self.kind, self.start) = (id, kind, start)
    }
}

/// Why a piece is not taken.
public enum GrowthRefusal: Error, Equatable, Sendable {
    /// The growing message would have more bytes than a message may have.
    case tooLarge(bytes: Int, limit: Int)
    /// The growing messages of the channel would have more bytes than a client can be sent at once.
    case tooMuch(limit: Int)
    /// So many messages of the channel grow already.
    case tooMany(limit: Int)
    /// All growing messages together would have too many bytes.
    case overBudget

    /// One sentence for the publisher.
    public var message: String {
        switch self {
        case .tooLarge(let bytes, let limit):
            "the message would grow to \(bytes) bytes, \(limit) are allowed (--max-publish)"
        case .tooMuch(let limit):
            "the growing messages of the channel have \(limit) bytes at most (half of --outbox-limit)"
        case .tooMany(let limit): "\(limit) messages of the channel grow already; end one of them (end=1)"
        case .overBudget: "all growing messages together have too many bytes (--history-budget)"
        }
    }
}

/// The messages that grow, and what each of them has so far.
///
/// Not safe for several threads: the directory's lock protects it.
struct GrowingMessages: Sendable {
    /// The most that grow in one channel.
    static let maxOfChannel = 64
    /// A message that gets no piece for so long is forgotten, as if it had ended.
    static let maxIdleSeconds: UInt64 = 600
    /// What a growing message is counted as, besides its payload.
    private static let ownBytes = 256

    private struct Growing: Sendable {
        let id: ByteName
        var payload: [UInt8] = []
        var position: StreamPosition?
        var lastPieceNanoseconds: UInt64 = 0

        var bytes: Int { GrowingMessages.ownBytes + id.text.utf8.count + payload.count }
    }

    private let maxBytes: Int
    private let maxBytesOfChannel: Int
    private let budgetBytes: Int
    /// By channel, in the order of their first pieces.
    private var growing: [ByteName: [Growing]] = [:]
    private(set) var bytes = 0
    /// No message's last piece came before this time, so until it is long ago none is idle.
    private var oldestPieceNanoseconds = UInt64.max

    /// - Parameters:
    ///   - maxBytes: the most bytes of one.
    ///   - maxBytesOfChannel: the most bytes of those of a channel.
    ///   - budgetBytes: the most bytes of all.
    init(maxBytes: Int, maxBytesOfChannel: Int, budgetBytes: Int) {
        (self.maxBytes, self.maxBytesOfChannel, self.budgetBytes) = (maxBytes, maxBytesOfChannel, budgetBytes)
    }

    /// The number of channels in which messages grow.
    var channelCount: Int { growing.count }

    func isGrowing(_ channel: String) -> Bool { growing[ByteName(channel)] != nil }

    /// Why a piece is not taken; nil if it is.
    func refusal(of id: String, bytes added: Int, in channel: String) -> GrowthRefusal? {
        let messages = growing[ByteName(channel)] ?? []
        let known = messages.first { $0.id == ByteName(id) }
        let count = (known?.payload.count ?? 0) + added
        if count > maxBytes { return .tooLarge(bytes: count, limit: maxBytes) }
        if known == nil, messages.count >= GrowingMessages.maxOfChannel {
            return .tooMany(limit: GrowingMessages.maxOfChannel)
        }
        let more = added + (known == nil ? GrowingMessages.ownBytes + id.utf8.count : 0)
        if messages.reduce(more, { $0 + $1.bytes }) > maxBytesOfChannel { return .tooMuch(limit: maxBytesOfChannel) }
        return bytes + more > budgetBytes ? .overBudget : nil
    }

    /// Appends a piece; after the last one nothing is kept any more.
    mutating func append(_ message: Message, _ part: GrowingPart) {
        let (channel, id) = (ByteName(message.channel), ByteName(part.id))
        var messages = growing.removeValue(forKey: channel) ?? []
        let place = messages.firstIndex { $0.id == id } ?? messages.endIndex
        if place == messages.endIndex {
            messages.append(Growing(id: id))
            bytes += messages[place].bytes
        }
        if part.kind == .last {
            bytes -= messages.remove(at: place).bytes
        } else {
            messages[place].payload += message.payload
            messages[place].position = message.position
            messages[place].lastPieceNanoseconds = message.receivedNanoseconds
            oldestPieceNanoseconds = min(oldestPieceNanoseconds, message.receivedNanoseconds)
            bytes += message.payload.count
        }
        growing[channel] = messages.isEmpty ? nil : messages
    }

    /// Appends a piece that the broker has taken, if everything before it is here; otherwise nothing of the message is
    /// kept.
    mutating func follow(_ message: Message, _ part: GrowingPart) {
        let known = growing[ByteName(message.channel)]?.first { $0.id == ByteName(part.id) }
        guard part.kind != .last, part.start == known?.payload.count ?? 0,
            bytes + message.payload.count <= budgetBytes
        else { return forget(part.id, in: message.channel) }
        append(message, part)
    }

    /// Sets what the growing messages of a channel have so far.
    mutating func set(_ messages: [Message], in channel: String) {
        for known in growing[ByteName(channel)] ?? [] { forget(known.id.text, in: channel) }
        for message in messages {
            guard let part = message.part, bytes + message.payload.count <= budgetBytes else { continue }
            append(message, part)
        }
    }

    private mutating func forget(_ id: String, in channel: String) {
        let name = ByteName(channel)
        guard let place = growing[name]?.firstIndex(where: { $0.id == ByteName(id) }),
            let forgotten = growing[name]?.remove(at: place)
        else { return }
        bytes -= forgotten.bytes
        if growing[name]?.isEmpty == true { growing[name] = nil }
    }

    /// What the growing messages of a channel have so far, a message for each.
    func whole(of channel: String, at now: UInt64) -> [Message] {
        (growing[ByteName(channel)] ?? []).map {
            Message(
                channel: channel, payload: $0.payload, position: $0.position,
                part: GrowingPart(of: $0.id.text, .whole), receivedNanoseconds: now)
        }
    }

    /// Forgets those that have got no piece for long.
    mutating func dropIdle(at now: UInt64) {
        let age = GrowingMessages.maxIdleSeconds * 1_000_000_000
        guard now >= age, oldestPieceNanoseconds <= now - age else { return }
        defer {
            oldestPieceNanoseconds = growing.values.joined().map(\.lastPieceNanoseconds).min() ?? .max
        }
        for (channel, messages) in growing {
            let kept = messages.filter { $0.lastPieceNanoseconds + age > now }
            guard kept.count < messages.count else { continue }
            bytes -= messages.reduce(0) { $0 + $1.bytes } - kept.reduce(0) { $0 + $1.bytes }
            growing[channel] = kept.isEmpty ? nil : kept
        }
    }
}
