import Channels
import Testing

@testable import Protocols

@Suite struct ClientProtocolsTests {
    @Test func theTableFindsEachProtocolByItsName() {
        for (index, entry) in ClientProtocols.all.enumerated() {
            #expect(ClientProtocols.index(ofSubprotocol: entry.subprotocol) == index)
        }
        #expect(ClientProtocols.all.count <= WireForm.maxEncoders)
        #expect(ClientProtocols.encoders.count == ClientProtocols.all.count)
    }

    @Test func whatNobodyOffersOrKnowsIsPlain() {
        for name in [nil, "chat"] {
            #expect(ClientProtocols.all[ClientProtocols.index(ofSubprotocol: name)] is Plain)
        }
        #expect(ClientProtocols.subprotocols == ["pushd.v1"])
    }
}
