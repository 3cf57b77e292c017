internal import Glibc

/// The time in the format of the Date header (RFC 9110 section 5.6.7), formatted at most once per second.
struct HTTPDate {
    private(set) var text: [UInt8] = []
    private var second: time_t = 0

    init() {
        refresh()
    }

    /// Updates the text.
    mutating func refresh() {
        let now = time(nil)
        guard now != second else { return }
        second = now
        text = HTTPDate.format(now)
    }

    /// This program never leaves the C locale, which has the English names that the header needs.
    static func format(_ time: time_t) -> [UInt8] {
        var time = time
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&time, &parts)
        return unsafe Array(unsafeUninitializedCapacity: 32) { buffer, count in
            count = unsafe strftime(buffer.baseAddress, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
        }
    }
}
