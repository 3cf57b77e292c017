import Glibc
import Testing

@testable import pushd

@Suite struct ProcessStartTests {
    @Test func theArgumentsAreThoseThatSwiftFindsInProc() {
        #expect(ProcessStart.arguments == CommandLine.arguments)
    }

    @Test(arguments: [[0], [1], [2], [0, 1, 2]] as [[Int32]]) func closedStreamsAreOpened(descriptors: [Int32]) async {
        await #expect(processExitsWith: .success) { [descriptors = descriptors as [Int32]] in
            for descriptor in descriptors { close(descriptor) }
            #expect(ProcessStart.openStandardStreams())
            for descriptor in 0...2 { #expect(fcntl(Int32(descriptor), F_GETFD) >= 0) }
        }
    }
}
