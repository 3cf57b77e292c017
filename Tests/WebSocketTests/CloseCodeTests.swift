import Testing
import WebSocket

@Suite struct CloseCodeTests {
    @Test func onlyAssignedAndPrivateCodesMayBeSent() {
        let assigned = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014]
        let allowed = Set(assigned + Array(3000...4999))
        for code in UInt16.min...UInt16.max where CloseCode.isAllowedOnWire(code) != allowed.contains(Int(code)) {
            Issue.record("\(code)")
        }
    }

    @Test(
        arguments: [
            (CloseCode.normal, 1000), (.goingAway, 1001), (.protocolError, 1002), (.unsupportedData, 1003),
            (.invalidPayload, 1007), (.policyViolation, 1008), (.messageTooBig, 1009), (.internalError, 1011),
            (.serviceRestart, 1012), (.tryAgainLater, 1013), (.unauthorized, 4401), (.tooManyRequests, 4429),
        ] as [(CloseCode, UInt16)])
    func numbers(code: CloseCode, number: UInt16) {
        #expect(code.rawValue == number)
        #expect(CloseCode.isAllowedOnWire(number))
    }
}
