import Testing

@testable import WSLoop

struct SystemTests {
    @Test func figuresAreOfAPlausibleSize() {
        #expect(SystemLimits.openDescriptors() > 2)
        #expect(SystemLimits.residentMemoryBytes() > 1 << 20)
        #expect(SystemLimits.availableMemoryBytes() > SystemLimits.residentMemoryBytes())
        #expect(SystemLimits.usableCores() >= 1)
        #expect(SystemLimits.raiseDescriptorLimit() >= SystemLimits.openDescriptors())
    }

    @Test func anErrorSaysWhatWasTried() {
        #expect(SystemError(code: -98, operation: "bind") == SystemError(code: 98, operation: "bind"))
        #expect(SystemError(code: 98, operation: "bind").description == "bind: address already in use")
    }
}
