// Every parser here reads a `RawSpan`: it checks bounds, and the type system keeps it from outliving the read buffer.
// In Swift 6.3 loading a byte from one needs `unsafe`, although any bit pattern is a valid UInt8, so it is written
// once, here.

extension RawSpan {
    /// The byte at `offset`; traps when out of bounds.
    @inlinable
    public func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}

extension [UInt8] {
    /// The array's bytes, borrowed for the lifetime of the array.
    @inlinable
    public var rawSpan: RawSpan {
        @_lifetime(borrow self)
        borrowing get { unsafe span.bytes }
    }

    /// Appends every byte of `bytes`.
    @inlinable
    public mutating func append(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}
