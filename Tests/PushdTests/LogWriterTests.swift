import Glibc
import Testing

@testable import pushd

@Suite struct LogWriterTests {
    /// A pipe and a writer into it.
    private struct Fixture {
        let reader: Int32
        let end: Int32
        let writer: LogWriter

        init(flags: Int32 = 0) throws {
            var ends: [Int32] = [0, 0]
            try #require(unsafe pipe(&ends) == 0)
            (reader, end) = (ends[0], ends[1])
            try #require(fcntl(end, F_SETFL, fcntl(end, F_GETFL) | flags) == 0)
            writer = LogWriter(to: end) { Array("lost \($0)\n".utf8) }
        }

        /// Writes a line that is longer than the pipe's buffer, and waits until the pipe is full.
        func fill() {
            writer.write([UInt8](repeating: UInt8(ascii: "x"), count: 99_999) + [UInt8(ascii: "\n")])
            var waiting: Int32 = 0
            while waiting < 65_536 { _ = unsafe ioctl(reader, UInt(FIONREAD), &waiting) }
        }

        /// Reads until a line ends with `last`, or the pipe's other end is closed.
        func lines(upTo last: String? = nil) -> [String] {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while last.map({ !bytes.suffix($0.utf8.count + 1).elementsEqual(Array("\($0)\n".utf8)) }) ?? true {
                let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(reader, $0.baseAddress, $0.count) }
                guard count > 0 else { break }
                bytes += buffer.prefix(count)
            }
            return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    @Test func linesComeInOrderFromBeforeTheStartToTheEnd() throws {
        let fixture = try Fixture()
        fixture.writer.write(Array("first\n".utf8))
        try fixture.writer.start()
        #expect(fixture.lines(upTo: "first") == ["first"])
        for text in ["second\n", "third\n"] { fixture.writer.write(Array(text.utf8)) }
        fixture.writer.end(withinMilliseconds: 10_000)
        close(fixture.end)
        #expect(fixture.lines() == ["second", "third"])
        #expect(fixture.writer.droppedLines == 0)
    }

    @Test(arguments: [0, O_NONBLOCK]) func aReaderThatStopsCostsCountedLinesAndHoldsUpNobody(flags: Int32) throws {
        let fixture = try Fixture(flags: flags)
        try fixture.writer.start()
        fixture.fill()
        let count = 4000  // of 1000 bytes: four times the limit
        let filling = String(repeating: ".", count: 990)
        for number in 0..<count { fixture.writer.write(Array("\(filling) \(number)\n".utf8)) }
        let dropped = fixture.writer.droppedLines
        #expect((1..<count).contains(dropped))
        fixture.writer.end(withinMilliseconds: 10)  // times out
        let lines = fixture.lines(upTo: "lost \(dropped)").dropFirst()
        #expect(lines.count == count - dropped + 1)
        for (number, line) in lines.dropLast().enumerated() { #expect(line.hasSuffix(". \(number)")) }
    }

    @Test func withoutAReaderTheLinesAreCounted() async {
        await #expect(processExitsWith: .success) {
            _ = signal(SIGPIPE, SIG_IGN)
            let fixture = try Fixture()
            close(fixture.reader)
            try fixture.writer.start()
            fixture.writer.write(Array("line\n".utf8))
            fixture.writer.end(withinMilliseconds: 10_000)
            #expect(fixture.writer.droppedLines == 1)
        }
    }
}
