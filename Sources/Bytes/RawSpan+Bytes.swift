// Every parser here reads a `RawSpan`: bounds are checked and the type system keeps it from outliving the read
// buffer. Loading a byte from one is spelled "unsafe" in Swift 6.3 although any bit pattern is a valid UInt8, so the
// word is written once, here.

extension RawSpan {
    /// The byte at `offset`; traps when out of bounds.
    @inlinable
    public func byte(at offset: Int) -> UInt8 {
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }
}

extension [UInt8] {
    /// The array's bytes, borrowed for as long as the array is.
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
