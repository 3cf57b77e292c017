import Testing
import WSLoop

@testable import PushServer

@Suite struct ConnectionIDTests {
    private static let id = ConnectionID(node: 0xAB, loop: 3, StreamKey(slot: 16, generation: .max))

    @Test func isReadAsItIsWritten() {
        #expect(Self.id.description == "00000000000000ab" + "0003" + "00000010" + "ffffffff")
        #expect(ConnectionID(Self.id.description) == Self.id)
    }

    @Test(arguments: ["", "0", "anonymous", String(repeating: "g", count: 36), String(repeating: "é", count: 18)])
    func otherTextsAreNone(text: String) {
        #expect(ConnectionID(text) == nil)
    }

    @Test func aNameHasOneSpelling() {
        #expect(ConnectionID(Self.id.description.uppercased()) == nil)
        #expect(ConnectionID(Self.id.description + "0") == nil)
        #expect(ConnectionID(String(Self.id.description.dropLast())) == nil)
    }

    @Test func namesHaveTheOrderOfTheSlots() {
        let names = [(0, 9), (0, 10), (0, 255), (0, 256), (1, 0)].map { loop, slot in
            ConnectionID(node: 1, loop: loop, StreamKey(slot: UInt32(slot), generation: 7)).description
        }
        #expect(names == names.sorted())
    }
}
