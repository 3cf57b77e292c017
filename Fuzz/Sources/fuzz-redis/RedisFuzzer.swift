import FuzzSupport
import RedisBridge

/// Redis: treats the input as output of Redis, as names (one per line) and as URLs (one per line).
///
/// Envelopes are made from the names and from the whole input.
@c(LLVMFuzzerTestOneInput)
public func check(_ data: UnsafePointer<UInt8>?, _ byteCount: Int) -> CInt {
    var input = unsafe FuzzInput(data, byteCount)
    checkStream(&input)
    let lines = input.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 7, omittingEmptySubsequences: false)
        .map { Array($0) }
    checkMap(lines)
    checkStreamEnvelope(lines, input.bytes)
    // The naive matcher takes exponential time in the number of stars.
    if lines.allSatisfy({ $0.count < 24 }) { checkPatterns(lines) }
    checkEnvelope(channel: String(decoding: lines[0], as: UTF8.self), payload: input.bytes)
    for line in lines {
        let text = String(decoding: line, as: UTF8.self)
        checkName(text)
        checkURL(text)
        checkEnvelope(channel: text, payload: line)
    }
    return 0
}
