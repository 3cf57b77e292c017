import Bytes
import TestSupport
import Testing
import WebSocket

@testable import Channels

private let json = "{\"items\":[" + String(repeating: "{\"price\":12.5,\"name\":\"widget\"},", count: 40) + "0]}"
private let deflated = WireForm(deflated: .bits12)

@Suite struct CompressionTests {
    @Test func aMessageIsCompressedOnceForAllSubscribers() throws {
        let world = World()
        for link in 0..<1_000 { _ = world.hub.connect(Int32(link), "c", form: deflated) }
        world.hub.deliver("c", json)
        world.hub.flush()
        #expect(world.hub.takeCounts().compressions == 1)
        let first = world.transport[0].bytes
        #expect(first.count < json.utf8.count / 2 && first[0] == 0xC1)
        #expect((0..<1_000).allSatisfy { world.transport[Int32($0)].bytes == first })
        #expect(parseFrames(first).texts == [json])
    }

    @Test func twoLoopsShareTheCompressedMessage() {
        let worlds = [World(), World()]
        let message = message("c", json)
        for world in worlds {
            _ = world.hub.connect(1, "c", form: deflated)
            _ = world.hub.connect(2, "c", form: .naming(deflated: .bits12))
            world.hub.deliver(message)
            world.hub.flush()
        }
        #expect(worlds.map { $0.hub.takeCounts().compressions } == [2, 0])
        #expect(worlds[0].transport[1].bytes == worlds[1].transport[1].bytes)
        #expect(parseFrames(worlds[1].transport[2].bytes).texts == ["c: \(json)"])
    }

    @Test func everyFormGetsItsOwn() {
        let world = World()
        let forms = [
            WireForm(), .naming(), deflated, .naming(deflated: .bits9),
            .naming(deflated: .bits12),
        ]
        for (link, form) in forms.enumerated() { _ = world.hub.connect(Int32(link), "c", form: form) }
        world.hub.deliver("c", "short", json)
        world.hub.flush()
        for (link, form) in forms.enumerated() {
            let sent = world.transport[Int32(link)].bytes
            let texts = ["short", json].map { form.isNaming ? NamingEncoder.text("c", $0) : $0 }
            #expect(parseFrames(sent).texts == texts)
            #expect((sent.count < json.utf8.count) == (form.window != nil))
        }
        #expect(world.hub.takeCounts().compressions == 3)
    }

    @Test func smallMessagesGoOutPlain() {
        let world = World()
        _ = world.hub.connect(1, "c", form: deflated)
        let small = String(repeating: "a", count: Deflater.thresholdBytes - 1)
        world.hub.deliver("c", small)
        world.hub.flush()
        #expect(world.transport[1].bytes == textFrame(small))
        #expect(world.hub.takeCounts().compressions == 0)
        world.hub.deliver("c", small + "a")
        world.hub.flush()
        #expect(world.hub.takeCounts().compressions == 1)
    }

    @Test func incompressibleMessagesGoOutPlain() {
        let world = World()
        _ = world.hub.connect(1, "c", form: deflated)
        _ = world.hub.connect(2, "c", form: deflated)
        var random = SeededGenerator(seed: 5)
        let noise = (0..<2_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        world.hub.deliver(Message(channel: "c", payload: noise, receivedNanoseconds: 0))
        world.hub.flush()
        #expect(world.transport[1].bytes == serverFrame(2, noise))
        #expect(world.transport[2].bytes == serverFrame(2, noise))
        // A message that does not become smaller is also compressed only once.
        #expect(world.hub.takeCounts().compressions == 1)
    }

    @Test func repliesAreCompressedForWhomItWasAgreedWith() {
        let world = World()
        for (link, form) in [deflated, WireForm()].enumerated() {
            let slot = world.hub.connect(Int32(link), form: form)
            world.hub.reply(slot, .text, message: Array(json.utf8).rawSpan)
        }
        world.hub.flush()
        #expect(world.transport[0].bytes[0] == 0xC1 && parseFrames(world.transport[0].bytes).texts == [json])
        #expect(world.transport[1].bytes == textFrame(json))
    }

    @Test func aFormTakesOneByte() {
        #expect(MemoryLayout<WireForm>.size == 1 && MemoryLayout<Subscriber>.size <= 32)
        for encoder in 0..<WireForm.maxEncoders {
            for window in DeflateWindow.allCases + [nil] {
                let form = WireForm(encoder: encoder, deflated: window)
                #expect(form.encoder == encoder && form.window == window)
            }
        }
    }
}
