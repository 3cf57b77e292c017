/// Hash slots of a Redis cluster.
struct SlotSet: Equatable {
    static let slotCount = 16_384

    private var members = [Bool](repeating: false, count: SlotSet.slotCount)

    init() {}

    init(_ ranges: [ClosedRange<Int>]) {
        for range in ranges {
            for slot in range.clamped(to: 0...SlotSet.slotCount - 1) { members[slot] = true }
        }
    }

    var isEmpty: Bool { !members.contains(true) }

    func contains(_ slot: Int) -> Bool { members[slot] }

    func contains(slotOf name: String) -> Bool { members[SlotSet.slot(of: name)] }

    static let all = SlotSet([0...slotCount - 1])

    func inserting(_ slot: Int) -> SlotSet { setting(slot, to: true) }
    func removing(_ slot: Int) -> SlotSet { setting(slot, to: false) }

    func union(_ other: SlotSet) -> SlotSet { combined(other) { $0 || $1 } }
    func subtracting(_ other: SlotSet) -> SlotSet { combined(other) { $0 && !$1 } }

    private func setting(_ slot: Int, to value: Bool) -> SlotSet {
        var set = self
        set.members[slot] = value
        return set
    }

    private func combined(_ other: SlotSet, _ rule: (Bool, Bool) -> Bool) -> SlotSet {
        var set = self
        for slot in members.indices { set.members[slot] = rule(members[slot], other.members[slot]) }
        return set
    }

    /// The slot of a channel: CRC16 of its name, or of the text between the first braces (Redis cluster specification,
    /// "Hash tags").
    static func slot(of name: String) -> Int { Int(crc16(hashed(name))) % slotCount }

    /// A hash tag that leads to the slot of a name.
    static func tag(withSlotOf name: String) -> String {
        let bytes = hashed(name)
        guard bytes.isEmpty || bytes.contains(UInt8(ascii: "}")) else { return String(decoding: bytes, as: UTF8.self) }
        // A tag ends at a brace. On average this takes as many attempts as there are slots.
        let slot = slot(of: name)
        return (0...).lazy.map { String($0) }.first { self.slot(of: $0) == slot } ?? ""
    }

    private static func hashed(_ name: String) -> ArraySlice<UInt8> {
        let bytes = Array(name.utf8)[...]
        guard let open = bytes.firstIndex(of: UInt8(ascii: "{")),
            let close = bytes[open...].firstIndex(of: UInt8(ascii: "}")), close > open + 1
        else { return bytes }
        return bytes[(open + 1)..<close]
    }

    /// CRC-16/XMODEM: polynomial 0x1021, initial value 0.
    private static func crc16(_ bytes: some Sequence<UInt8>) -> UInt16 {
        var crc: UInt16 = 0
        for byte in bytes {
            crc ^= UInt16(byte) << 8
            for _ in 0..<8 { crc = crc & 0x8000 != 0 ? crc << 1 ^ 0x1021 : crc << 1 }
        }
        return crc
    }
}
