import Glibc

/// A file that exists as long as this object.
final class TextFile {
    let path: String

    struct NotMade: Error {}

    init(_ text: String) throws {
        var template = Array("/tmp/pushd-test-XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw NotMade() }
        defer { close(descriptor) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let bytes = Array(text.utf8)
        guard unsafe write(descriptor, bytes, bytes.count) == bytes.count else { throw NotMade() }
    }

    deinit { _ = unsafe unlink(path) }
}
