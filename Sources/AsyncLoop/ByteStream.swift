internal import Bytes
public import WSLoop

/// A connection over TCP, a unix socket or TLS, or to a child process: bytes in, bytes out.
///
/// One task may read while another writes. Nothing is read before someone asks: a slow reader stops the peer. A write
/// ends when the kernel has taken all bytes: a slow peer stops the writer. Close a stream when it is no longer used; a
/// loop reports streams that were not closed.
public final class ByteStream: Sendable {
    /// The peer's address.
    public let peer: SocketAddress
    /// The stream's loop.
    public let loop: LoopExecutor
    private let state: Confined<StreamState>

    /// Takes over a connection; on the loop.
    init(_ connection: ClientStream, _ kind: StaticString, peer: SocketAddress, on loop: LoopExecutor)
        throws(StreamError)
    {
        let core = loop.core.here
        do throws(SystemError) {
            let descriptor = try core.descriptors.add(connection.descriptor, kind)
            state = Confined(StreamState(connection, descriptor), to: core)
        } catch {
            throw .system(error)
        }
        self.loop = loop
        self.peer = peer
    }

    // MARK: Reading

    /// Waits for bytes and returns what has arrived; nil at the end of the stream.
    ///
    /// - Parameters:
    ///   - maxBytes: the most bytes to return.
    ///   - limit: how long to wait, such as the time that a connection may be idle.
    public func read(atMost maxBytes: Int = .max, within limit: Duration? = nil) async throws(StreamError) -> [UInt8]? {
        var bytes: [UInt8] = []
        let count = try await read(into: &bytes, atMost: maxBytes, within: limit)
        return count == 0 ? nil : bytes
    }

    /// Waits for bytes and appends what has arrived; an array that is used again and again costs no allocation.
    ///
    /// - Returns: the number of bytes; 0 at the end of the stream.
    public func read(
        into bytes: inout [UInt8], atMost maxBytes: Int = .max, within limit: Duration? = nil
    ) async throws(StreamError) -> Int {
        guard loop.isCurrent else {
            let part = try await loop.onLoop { () async throws(StreamError) in
                try await self.read(atMost: maxBytes, within: limit)
            }
            bytes += part ?? []
            return part?.count ?? 0
        }
        guard maxBytes > 0 else { return 0 }
        let deadline = Deadline(limit)
        if !state.here.isSecure { try await secure(deadline) }
        while true {
            if Task.isCancelled { throw .cancelled }
            switch state.here.read(into: loop.core.here.readBuffer, atMost: maxBytes) {
            case .bytes:
                let begin = bytes.count
                loop.core.here.readBuffer.withContent { bytes.append($0) }
                return bytes.count - begin
            case .ended: return 0
            case .failed(let failure): throw StreamError(failure, "read from \(peer)")
            case .wouldBlock: try await loop.wait(.read, of: state.here.descriptor, deadline)
            }
        }
    }

    // MARK: Writing

    /// Writes all bytes; returns when the kernel has taken them.
    ///
    /// A write that throws closes the stream, because a part of it may have been sent.
    public func write(_ bytes: [UInt8], within limit: Duration? = nil) async throws(StreamError) {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(StreamError) in
                try await self.write(bytes, within: limit)
            }
        }
        do throws(StreamError) {
            let deadline = Deadline(limit)
            if !state.here.isSecure { try await secure(deadline) }
            try await writeAll(bytes, deadline)
        } catch {
            close()
            throw error
        }
    }

    private func writeAll(_ bytes: [UInt8], _ deadline: Deadline?) async throws(StreamError) {
        var offset = 0
        while offset < bytes.count {
            if Task.isCancelled { throw .cancelled }
            switch state.here.write(bytes, from: offset) {
            case .accepted(let count): offset += count
            case .failed(let failure): throw StreamError(failure, "write to \(peer)")
            case .wouldBlock: try await loop.wait(.write, of: state.here.descriptor, deadline)
            }
        }
    }

    /// Tells the peer that nothing more will be written; input can still be read.
    public func endWrites() {
        loop.perform { self.state.here.endWrites() }
    }

    /// Closes the stream; tasks that read or write it throw.
    ///
    /// Closing twice is harmless.
    public func close() {
        loop.perform { self.state.here.close() }
    }

    // MARK: Beginning

    /// Does the TLS handshake, if there is one to do; reads and writes do it as well.
    ///
    /// Call it before two tasks use the stream.
    public func secure(within limit: Duration? = nil) async throws(StreamError) {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(StreamError) in
                try await self.secure(within: limit)
            }
        }
        try await secure(Deadline(limit))
    }

    private func secure(_ deadline: Deadline?) async throws(StreamError) {
        while true {
            switch state.here.secure() {
            case .done: return
            case .failed(let failure): throw StreamError(failure, "handshake with \(peer)")
            case .needs(let readiness):
                let direction = readiness.contains(.writable) ? Descriptor.Direction.write : .read
                try await loop.wait(direction, of: state.here.descriptor, deadline)
            }
        }
    }

    /// Waits until a new connection is established.
    func connected(_ deadline: Deadline?) async throws(StreamError) {
        let descriptor = state.here.descriptor
        descriptor.isExhausted(.write)
        try await loop.wait(.write, of: descriptor, deadline)
        if let code = Socket.pendingError(descriptor.number) {
            throw .system(SystemError(code: code, operation: "connect to \(peer)"))
        }
        try await secure(deadline)
    }
}

/// A stream's connection, on its loop.
private final class StreamState {
    private let connection: ClientStream
    let descriptor: Descriptor

    init(_ connection: ClientStream, _ descriptor: Descriptor) {
        self.connection = connection
        self.descriptor = descriptor
    }

    var isSecure: Bool { connection.isSecure }

    func read(into buffer: ReadBuffer, atMost maxBytes: Int) -> ClientStream.ReadResult {
        // The wait for a closed stream throws.
        guard !descriptor.isClosed, descriptor.mayBeReady(.read) || connection.hasPendingInput else {
            return .wouldBlock
        }
        let result = connection.read(into: buffer, atMost: maxBytes)
        switch result {
        case .wouldBlock: descriptor.isExhausted(.read)
        case .bytes where !connection.hasTLS && buffer.contentBytes < min(maxBytes, buffer.capacity):
            descriptor.wasEmptied()
        default: break
        }
        return result
    }

    func write(_ bytes: [UInt8], from offset: Int) -> ClientStream.WriteResult {
        guard !descriptor.isClosed, descriptor.mayBeReady(.write) else { return .wouldBlock }
        let result = connection.send(bytes.rawSpan, from: offset)
        if result == .wouldBlock { descriptor.isExhausted(.write) }
        return result
    }

    func secure() -> ClientStream.HandshakeResult {
        guard !descriptor.isClosed else { return .needs(.readable) }
        let result = connection.secure()
        if case .needs(let readiness) = result {
            descriptor.isExhausted(readiness.contains(.writable) ? .write : .read)
        }
        return result
    }

    func endWrites() {
        if !descriptor.isClosed { connection.endWrites() }
    }

    func close() {
        descriptor.close { _ in connection.close() }
    }
}

extension ByteStream: AsyncSequence {
    /// Reads a stream part by part.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let stream: ByteStream

        /// The next part; nil at the end of the stream.
        public func next() async throws(StreamError) -> [UInt8]? { try await stream.read() }
    }

    /// The parts of the stream as they arrive.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(stream: self) }
}
