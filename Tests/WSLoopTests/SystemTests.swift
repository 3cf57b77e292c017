import Glibc
import Testing

@testable import WSLoop

struct SystemTests {
    @Test func figuresAreOfAPlausibleSize() {
        #expect(SystemLimits.openDescriptors() > 2)
        #expect(SystemLimits.residentMemoryBytes() > 1 << 20)
        let resources = SystemResources.measure()
        #expect(resources.memoryBytes > SystemLimits.residentMemoryBytes())
        #expect(resources.cores >= 1)
        #expect(SystemLimits.raiseDescriptorLimit() >= SystemLimits.openDescriptors())
    }

    @Test func theKernelKnowsHowLongToWaitForAnAcknowledgement() {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { Socket.close(descriptor) }
        Socket.limitUnacknowledgedTime(descriptor, milliseconds: 1234)
        var (milliseconds, size) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
        #expect(unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &milliseconds, &size) == 0)
        #expect(milliseconds == 1234)
    }

    /// The check loads the kernel's module, if there is one.
    @Test func theKernelSaysWhetherItSpeaksTLS() {
        let hasKernelTLS = SystemLimits.hasKernelTLS
        var text = [CChar](repeating: 0, count: 200)
        let file = unsafe fopen("/proc/sys/net/ipv4/tcp_available_ulp", "r")
        if let file = unsafe file {
            _ = unsafe fgets(&text, 200, file)
            unsafe fclose(file)
        }
        let names = text.prefix { $0 != 0 }.split { $0 == 10 || $0 == 32 }
        #expect(hasKernelTLS == names.contains("tls".utf8.map { CChar($0) }[...]))
    }

    @Test func openDescriptorsAreThoseThatCanBeCounted() async {
        await #expect(processExitsWith: .success) {
            let more = (0..<100).map { _ in dup(STDERR_FILENO) }
            #expect(more.allSatisfy { $0 >= 0 })
            // The test runner opens and closes files in the meantime.
            var counts = (told: 0, counted: 0)
            repeat {
                counts = (SystemLimits.openDescriptors(), SystemLimits.countedDescriptors())
            } while counts.told != counts.counted
            #expect(counts.told > more.count)
        }
    }

    @Test func anErrorSaysWhatWasTried() {
        #expect(SystemError(code: -98, operation: "bind") == SystemError(code: 98, operation: "bind"))
        #expect(SystemError(code: 98, operation: "bind").description == "bind: address already in use")
    }
}
