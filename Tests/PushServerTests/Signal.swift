import Glibc

/// Lets a thread wait for another one; it is a pipe, because a test may block but not sleep.
final class Signal: Sendable {
    private let reader: Int32
    private let writer: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw TestFailure(description: "pipe") }
        reader = ends[0]
        writer = ends[1]
    }

    deinit {
        close(reader)
        close(writer)
    }

    func raise() {
        var byte: UInt8 = 1
        _ = unsafe write(writer, &byte, 1)
    }

    func wait() throws {
        var poll = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        guard unsafe Glibc.poll(&poll, 1, 30_000) == 1 else { throw TestFailure(description: "waited in vain") }
        var byte: UInt8 = 0
        _ = unsafe read(reader, &byte, 1)
    }
}
