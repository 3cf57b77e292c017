internal import Bytes
public import WSLoop

/// A UDP socket: a sequence of datagrams.
///
/// Datagrams that nobody asks for wait in the kernel, which drops those for which it has no room.
public final class DatagramSocket: Sendable {
    /// A datagram and its sender.
    public struct Datagram: Equatable, Sendable {
        /// The content.
        public let bytes: [UInt8]
        /// The sender.
        public let peer: SocketAddress
    }

    /// The socket's address.
    public let address: SocketAddress
    private let loop: LoopExecutor
    private let descriptor: Confined<Descriptor>

    fileprivate init(_ descriptor: Descriptor, on loop: LoopExecutor) {
        address = SocketAddress(boundTo: descriptor.number)
        self.loop = loop
        self.descriptor = Confined(descriptor, to: loop.core.here)
    }

    /// Waits for a datagram.
    public func receive(within limit: Duration? = nil) async throws(StreamError) -> Datagram {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(StreamError) in
                try await self.receive(within: limit)
            }
        }
        let deadline = Deadline(limit)
        while true {
            if Task.isCancelled { throw .cancelled }
            guard !descriptor.here.isClosed else { throw .closed }
            let buffer = loop.core.here.readBuffer
            let (result, peer) = buffer.fill(fromDatagramsOf: descriptor.here.number)
            switch result {
            case .bytes:
                var bytes: [UInt8] = []
                buffer.withContent { bytes.append($0) }
                if let peer { return Datagram(bytes: bytes, peer: peer) }
            case .failed(let code): throw .system(SystemError(code: code, operation: "receive on \(address)"))
            case .wouldBlock, .endOfStream:
                descriptor.here.isExhausted(.read)
                try await loop.wait(.read, of: descriptor.here, deadline)
            }
        }
    }

    /// Sends a datagram; waits while the kernel has no room for it.
    public func send(_ bytes: [UInt8], to peer: SocketAddress) async throws(StreamError) {
        guard loop.isCurrent else {
            return try await loop.onLoop { () async throws(StreamError) in
                try await self.send(bytes, to: peer)
            }
        }
        while true {
            if Task.isCancelled { throw .cancelled }
            guard !descriptor.here.isClosed else { throw .closed }
            switch Socket.send(bytes.rawSpan, to: peer, from: descriptor.here.number) {
            case .accepted: return
            case .failed(let code): throw .system(SystemError(code: code, operation: "send to \(peer)"))
            case .wouldBlock:
                descriptor.here.isExhausted(.write)
                try await loop.wait(.write, of: descriptor.here, nil)
            }
        }
    }

    /// Closes the socket; closing twice is harmless.
    public func close() {
        loop.perform { self.descriptor.here.close() }
    }
}

extension DatagramSocket: AsyncSequence {
    /// Receives datagrams.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let socket: DatagramSocket

        /// The next datagram.
        public func next() async throws(StreamError) -> Datagram? { try await socket.receive() }
    }

    /// The datagrams, as they arrive.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(socket: self) }
}

extension LoopExecutor {
    /// Opens a UDP socket on an address; port 0 lets the kernel choose one.
    public func datagrams(on address: SocketAddress) async throws(StreamError) -> DatagramSocket {
        guard isCurrent else {
            return try await onLoop { () async throws(StreamError) in
                try await self.datagrams(on: address)
            }
        }
        do throws(SystemError) {
            let number = try Socket.datagram(boundTo: address)
            return DatagramSocket(try core.here.descriptors.add(number, "UDP socket"), on: self)
        } catch {
            throw .system(error)
        }
    }
}
