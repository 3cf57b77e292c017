import Bytes
import Testing

@testable import WebSocket

@Suite struct MemoryTests {
    @Test func aMachineFitsInACacheLine() {
        #expect(MemoryLayout<ConnectionMachine>.size <= 64)
    }

    @Test func anIdleMachineOwnsNoBuffer() throws {
        var machine = ConnectionMachine()
        #expect(machine.message.bytes.capacity == 0 && machine.control.capacity == 0)
        let bytes = text("He", fin: false) + clientFrame(0x9, [1, 2, 3]) + more("llo", fin: true)
        for index in bytes.indices {
            var offset = 0
            let byte = bytes.rawSpan.extracting(index...index)
            while try machine.receive(byte, from: &offset, limits: .generous) != nil {}
        }
        #expect(machine.message.bytes.capacity == 0 && machine.control.capacity == 0)
    }

    @Test func aDeadMachineOwnsNoBuffer() throws {
        for end in [clientFrame(0x8), clientFrame(0x3)] {
            var machine = ConnectionMachine()
            let bytes = text("unfinished", fin: false) + end
            var offset = 0
            while (try? machine.receive(bytes.rawSpan, from: &offset, limits: .generous)) == .fragment {}
            #expect(machine.message.bytes.capacity == 0 && machine.control.capacity == 0)
        }
    }

    @Test func anAnnouncedFrameReservesNothing() throws {
        var machine = ConnectionMachine()
        let limits = Limits(maxMessageBytes: 16 << 20, maxFragments: 1)
        let header = frameHeader(0x2, 16 << 20)
        var offset = 0
        _ = try machine.receive(header.rawSpan, from: &offset, limits: limits)
        #expect(machine.message.bytes.capacity == 0)
        let piece = [UInt8](repeating: 0, count: 1_000)
        for count in 1...200 {
            offset = 0
            _ = try machine.receive(piece.rawSpan, from: &offset, limits: limits)
            // The allocator rounds up by at most a page, which counts as capacity.
            #expect(machine.message.bytes.capacity <= 2 * count * 1_000 + 4_096)
        }
    }

    @Test func aFrameThatCameWholeIsAllocatedToMeasure() throws {
        var machine = ConnectionMachine()
        let bytes = clientFrame(0x2, [UInt8](repeating: 7, count: 1_000))
        var offset = 0
        let event = try machine.receive(bytes.rawSpan, from: &offset, limits: .generous)
        guard case .binary(let payload) = event else { throw UnexpectedEvent() }
        #expect(payload.count == 1_000 && payload.capacity < 1_100)
    }
}

private struct UnexpectedEvent: Error {}
