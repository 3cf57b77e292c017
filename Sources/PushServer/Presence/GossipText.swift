internal import Bytes
internal import Channels

/// What a node tells of its members and subscriptions, as text: a line with its number and the kind of message, and one
/// for each change.
///
///     presence 2f0c5a7be4a80cd1 changes 17
///     {"channel":"room","id":"…","user":"ann","named":true,"here":true,"info":{"age":7}}
///     {"channel":"room","subscriptions":3}
struct GossipText {
    /// What the texts begin with; those of orders begin with a brace.
    static let word = "presence"

    /// The node that tells it.
    let node: UInt64
    let message: GossipMessage

    init(from node: UInt64, _ message: GossipMessage) { (self.node, self.message) = (node, message) }
}

// MARK: - Writing

extension GossipText {
    var text: [UInt8] {
        let node = String(node, radix: 16)
        return switch message {
        case .alive(let number): GossipText.text([node, "alive", "\(number)"])
        case .changes(let number, let changes): GossipText.text([node, "changes", "\(number)"], changes)
        case .all(let number, let part, let parts, let changes):
            GossipText.text([node, "all", "\(number)", "\(part)", "\(parts)"], changes)
        case .ask(let asked): GossipText.text([node, "ask"] + (asked.map { [String($0, radix: 16)] } ?? []))
        }
    }

    private static func text(_ words: [String], _ changes: [GossipChange] = []) -> [UInt8] {
        var text = Array(([word] + words).joined(separator: " ").utf8)
        for change in changes {
            text.append(UInt8(ascii: "\n"))
            text.append(contentsOf: json(change))
        }
        return text
    }

    private static func json(_ change: GossipChange) -> [UInt8] {
        var object = JSONObjectWriter()
        object.member("channel", change.channel.text)
        switch change.fact {
        case .subscriptions(let count): object.member("subscriptions", count)
        case .member(let member, let isArrival):
            object.member("id", member.id)
            object.member("user", member.user)
            object.member("named", raw: flag(member.isNamed))
            object.member("here", raw: flag(isArrival))
            // JSON has line breaks and tabs only between its tokens.
            if let info = member.info { object.member("info", raw: info.map { $0 < 0x20 ? 0x20 : $0 }) }
        }
        return object.finish()
    }

    private static func flag(_ value: Bool) -> [UInt8] { Array((value ? "true" : "false").utf8) }
}

// MARK: - Reading

extension GossipText {
    /// Reads what `text` wrote; nil for anything else, such as a message of a later version.
    init?(parsing text: [UInt8]) {
        let lines = text.split(separator: UInt8(ascii: "\n"))
        guard let head = lines.first else { return nil }
        let words = String(decoding: head, as: UTF8.self).split(separator: " ")
        guard words.count >= 3, words[0] == GossipText.word, let node = UInt64(words[1], radix: 16) else { return nil }
        let changes = lines.dropFirst().compactMap { GossipText.change(Array($0)) }
        guard changes.count == lines.count - 1 else { return nil }
        self.node = node
        switch (words[2], words.dropFirst(3).map { UInt64($0, radix: words[2] == "ask" ? 16 : 10) }) {
        case ("alive", let numbers) where numbers.count == 1:
            guard let number = numbers[0] else { return nil }
            message = .alive(number: number)
        case ("changes", let numbers) where numbers.count == 1:
            guard let number = numbers[0] else { return nil }
            message = .changes(number: number, changes)
        case ("all", let numbers) where numbers.count == 3:
            guard let number = numbers[0], let part = numbers[1].flatMap({ Int(exactly: $0) }),
                let parts = numbers[2].flatMap({ Int(exactly: $0) })
            else { return nil }
            message = .all(number: number, part: part, parts: parts, changes)
        case ("ask", let numbers) where numbers.isEmpty: message = .ask(node: nil)
        case ("ask", let numbers) where numbers.count == 1:
            guard let asked = numbers[0] else { return nil }
            message = .ask(node: asked)
        default: return nil
        }
    }

    private static func change(_ line: [UInt8]) -> GossipChange? {
        guard let object = try? JSONObject(parsing: line.rawSpan), case .string(let channel) = object["channel"],
            ChannelName.isValid(channel)
        else { return nil }
        if case .number(let range) = object["subscriptions"] {
            guard let count = Int(String(decoding: line[range], as: UTF8.self)), count >= 0 else { return nil }
            return GossipChange(channel: ByteName(channel), .subscriptions(count))
        }
        guard case .string(let id) = object["id"], case .string(let user) = object["user"],
            case .bool(let isNamed) = object["named"], case .bool(let isHere) = object["here"]
        else { return nil }
        let info = object.rawRange(of: "info").map { Array(line[$0]) }
        let member = PresenceMember(id: id, user: user, info: info, isNamed: isNamed)
        return GossipChange(channel: ByteName(channel), member: member, isArrival: isHere)
    }
}
