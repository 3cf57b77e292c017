// Deliberately does what a sanitizer must report, and what it must not: probe overflow|leak|race|mutex
// script/sanitize runs it first, because a silent sanitizer proves something only if it can report.
import Glibc
import Synchronization

private let guarded = Mutex(0)
nonisolated(unsafe) private var bare = 0

/// Runs `body` on this thread and on another at the same time.
private func twice(_ body: @Sendable @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?) {
    var other = pthread_t()
    pthread_create(&other, nil, body, nil)
    _ = body(nil)
    pthread_join(other, nil)
}

@main struct Probe {
    static func main() {
        switch CommandLine.arguments.last {
        case "overflow":
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
            bytes[8] = 1
            bytes.deallocate()
        case "leak":
            // Values still in a register or on the stack do not count as leaks; those of the other thread are gone.
            twice { _ in
                _ = malloc(64)
                return nil
            }
        case "race":
            twice { _ in
                bare += 1
                return nil
            }
        case "mutex":
            twice { _ in
                for _ in 0..<100_000 { guarded.withLock { $0 += 1 } }
                return nil
            }
        default: exit(64)
        }
    }
}
