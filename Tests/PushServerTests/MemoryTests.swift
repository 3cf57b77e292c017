import Glibc
import HTTP
import Testing
import WebSocket

@testable import PushServer
@testable import WSLoop

@Suite struct MemoryTests {
    /// The budget of an idle connection, besides the hub's slot: 18,000 of them must cost little.
    @Test func aConnectionIsSmall() throws {
        let life = ConnectionLife(isProxied: false, at: 0, Timeouts(ServerConfiguration()))
        let connection = Connection(
            descriptor: -1, [], StreamKey(slot: 0, generation: 1), life, RequestReader(limits: RequestParser.Limits()))
        #expect(try heapBytes(of: connection) <= 160)
        #expect(connection.unread.capacity == 0)
        #expect(MemoryLayout<ConnectionMachine?>.size <= 64)
    }

    /// The size that malloc allocated for an object; Glibc's module map leaves <malloc.h> out.
    private func heapBytes(of object: AnyObject) throws -> Int {
        let symbol = unsafe dlsym(nil, "malloc_usable_size")
        typealias UsableSize = @convention(c) (UnsafeMutableRawPointer) -> Int
        let usableSize = unsafe unsafeBitCast(try #require(unsafe symbol), to: UsableSize.self)
        return unsafe usableSize(Unmanaged.passUnretained(object).toOpaque())
    }
}
