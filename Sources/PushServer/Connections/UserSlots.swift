internal import Access
internal import Bytes

/// The slots of a loop's connections by the names of their users: a hash table whose chains run through the slots.
///
/// A connection costs 16 bytes and its share of the table, 4 to 8 bytes: its identity, which it has anyway, holds the
/// name. Anonymous clients have no entry.
struct UserSlots {
    private struct Place {
        /// Nil for a slot without a named user.
        var user: Identity?
        var next = UserSlots.none
        var previous = UserSlots.none
    }

    private static let none = UInt32.max
    private static let fewestChains = 16

    /// By slot.
    private var places: ContiguousArray<Place> = []
    /// The first slot of each chain; their number is a power of two.
    private var chains: ContiguousArray<UInt32> = []
    /// How many slots have a user.
    private(set) var count = 0

    /// The user's name of a slot; nil for none.
    func name(of slot: UInt32) -> String? { Int(slot) < places.count ? places[Int(slot)].user?.user : nil }

    /// Whether a slot is a user's.
    func isUser(_ user: String, _ slot: UInt32) -> Bool {
        Int(slot) < places.count && places[Int(slot)].user?.names(user) == true
    }

    /// The slots of a user.
    func slots(of user: String) -> [UInt32] {
        guard count > 0 else { return [] }
        var slots: [UInt32] = []
        var slot = chains[chain(of: user)]
        while slot != UserSlots.none {
            if isUser(user, slot) { slots.append(slot) }
            slot = places[Int(slot)].next
        }
        return slots
    }

    /// Notes the user of a slot that has none.
    mutating func insert(_ user: Identity, _ slot: UInt32) {
        count += 1
        while places.count <= Int(slot) { places.append(Place()) }
        places[Int(slot)].user = user
        if count > chains.count { return makeChains(max(2 * chains.count, UserSlots.fewestChains)) }
        link(slot, user)
    }

    /// Forgets the user of a slot, if it has one.
    mutating func remove(_ slot: UInt32) {
        guard Int(slot) < places.count, let user = places[Int(slot)].user else { return }
        let place = places[Int(slot)]
        if place.next != UserSlots.none { places[Int(place.next)].previous = place.previous }
        if place.previous != UserSlots.none {
            places[Int(place.previous)].next = place.next
        } else {
            chains[chain(of: user.user)] = place.next
        }
        places[Int(slot)] = Place()
        count -= 1
    }

    private mutating func makeChains(_ number: Int) {
        chains = ContiguousArray(repeating: UserSlots.none, count: number)
        for slot in places.indices {
            if let user = places[slot].user { link(UInt32(slot), user) }
        }
    }

    /// Makes a slot the first of its chain.
    private mutating func link(_ slot: UInt32, _ user: Identity) {
        let chain = chain(of: user.user)
        let next = chains[chain]
        places[Int(slot)].next = next
        places[Int(slot)].previous = UserSlots.none
        if next != UserSlots.none { places[Int(next)].previous = slot }
        chains[chain] = slot
    }

    private func chain(of user: String) -> Int { ByteName(user).hashValue & (chains.count - 1) }
}
