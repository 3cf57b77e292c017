/// An error that names the server of a slot: `MOVED 3999 127.0.0.1:6381`.
struct ClusterRedirection: Equatable {
    let slot: Int
    let server: RedisServer

    /// Nil for other errors.
    init?(error text: String) {
        let words = text.split(separator: " ")
        guard words.count == 3, words[0] == "MOVED", let slot = Int(words[1]), (0..<SlotSet.slotCount).contains(slot),
            let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...])
        else { return nil }
        self.slot = slot
        server = .tcp(host: String(words[2][..<colon]), port: port)
    }
}
