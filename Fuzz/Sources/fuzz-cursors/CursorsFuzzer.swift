import Bytes
import Channels
import FuzzSupport
import Protocols
import TestSupport

/// Cursors of event streams, and places in histories as URLs name them.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    let input = unsafe FuzzInput(data, byteCount)
    var random = input.random
    let text = String(decoding: input.bytes, as: UTF8.self)
    checkCursor(text)
    // Nearly all texts are no Base64, so the bytes are tried as well.
    checkCursor(Base64URL.encode(([1] + input.bytes).rawSpan))
    checkPlace(text)
    var cursor = EventCursor()
    for piece in random.pieces(of: input.bytes) {
        let epoch = String(decoding: piece.prefix(20), as: UTF8.self)
        cursor["\(piece.count)"] = StreamPosition(epoch: epoch, offset: .random(in: 0 ... .max, using: &random))
    }
    expectEqual(EventCursor(cursor.text), cursor, "a cursor and back")
    return 0
}

/// A cursor has one text, which ends no line and no field.
private func checkCursor(_ text: String) {
    guard let cursor = EventCursor(text) else { return }
    expectEqual(cursor.text, text, "another text of a cursor")
    expect(text.utf8.count <= EventCursor.maxTextBytes, "a long cursor")
    expect(cursor.count <= EventCursor.maxChannels, "a cursor with many channels")
    expect(text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }, "a cursor that ends a field")
}

/// A place is written as it was read, but for zeros before the number.
private func checkPlace(_ text: String) {
    guard let place = StreamPosition(text) else { return }
    expect(place.epoch.utf8.count <= StreamPosition.maxEpochBytes, "a long epoch")
    expectEqual(StreamPosition(place.description), place, "a place and back")
    expect(text.utf8.starts(with: place.epoch.utf8), "another epoch")
}
