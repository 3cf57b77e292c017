import Channels
import Testing

@testable import Protocols

@Suite struct ClientProtocolsTests {
    @Test func theTableFindsEachProtocolByItsName() {
        for (index, entry) in ClientProtocols.all.enumerated() where index != ClientProtocols.indexOfPusher {
            #expect(ClientProtocols.index(ofSubprotocol: entry.subprotocol) == index)
        }
        #expect(ClientProtocols.all[ClientProtocols.indexOfPusher] is Pusher)
        #expect(ClientProtocols.encoders.count <= WireForm.maxEncoders)
    }

    @Test func anEventStreamHasAnEncoderBehindThoseOfTheProtocols() throws {
        for stream in EventStream.allCases {
            let index = ClientProtocols.index(of: stream)
            #expect(ClientProtocols.encoders[index]?.isFramed == false)
            #expect(ClientProtocols.name(ofEncoder: index) == "sse")
        }
        #expect(Set(EventStream.allCases.map(ClientProtocols.index(of:))).count == EventStream.allCases.count)
        #expect(ClientProtocols.all.indices.map(ClientProtocols.name(ofEncoder:)) == ["none", "pushd.v1", "pusher"])
        #expect(ClientProtocols.encoders.prefix(ClientProtocols.all.count).allSatisfy { $0?.isFramed != false })
    }

    @Test func whatNobodyOffersOrKnowsIsPlain() {
        for name in [nil, "chat"] {
            #expect(ClientProtocols.all[ClientProtocols.index(ofSubprotocol: name)] is Plain)
        }
        #expect(ClientProtocols.subprotocols == ["pushd.v1"])
    }
}
