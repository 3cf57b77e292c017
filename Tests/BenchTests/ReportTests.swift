import Bytes
import Testing

@testable import Bench

private let millisecond: UInt64 = 1_000_000

/// A run of one channel with two subscribers and four messages, the first of them in the warm-up.
private func tally(losing lost: Int = 0) -> Tally {
    let tally = Tally(channels: 1)
    for _ in 0..<2 { tally.joined(0) }
    tally.measure(fromNanoseconds: 100 * millisecond)
    for index in 0..<4 as Range<UInt64> {
        let due = (50 + index * 50) * millisecond
        tally.sent(0)
        tally.answered(Publication(channel: 0, dueNanoseconds: due), failure: nil)
        for subscriber in 0..<(index == 3 ? 2 - lost : 2) {
            tally.arrived(
                0, at: Int(index), dueNanoseconds: due, bytes: 1000,
                nowNanoseconds: due + UInt64(1 + subscriber) * millisecond)
        }
    }
    return tally
}

private func report(_ tally: Tally, arrived: [Int] = [4, 4]) -> Report {
    var report = Report()
    report.wantedConnections = 2
    report.openedConnections = 2
    report.connectNanoseconds = 10 * millisecond
    report.count(tally)
    for count in arrived { report.count(arrived: count, of: tally.channels[0]) }
    return report
}

@Suite struct ReportTests {
    @Test func theWarmUpIsCountedButNotMeasured() throws {
        let tally = tally()
        let report = report(tally)
        #expect(tally.underWay == 0)
        #expect((report.published, report.expected, report.arrived, report.missing) == (4, 8, 8, 0))
        #expect((report.measuredMessages, report.measuredDeliveries, report.measuredBytes) == (3, 6, 6000))
        #expect(report.measuredNanoseconds == 102 * millisecond)
        let latency = try #require(report.latency)
        #expect(abs(Double(latency.p50) / 1e6 - 1) < 0.01)
        #expect(abs(Double(latency.maximum) / 1e6 - 2) < 0.01)
        #expect(report.problem == nil)
    }

    @Test func aLossIsAProblem() {
        let tally = tally(losing: 1)
        #expect(tally.underWay == 1)
        #expect(report(tally, arrived: [4, 3]).problem == "1 of 8 deliveries did not arrive")
        #expect(report(tally, arrived: [4, 3]).table.contains("8 expected, 7 arrived, 1 lost"))
    }

    @Test func oneSubscribersSurplusDoesNotHideTheOthersLoss() {
        let report = report(tally(), arrived: [5, 3])
        #expect(report.problem == "1 of 8 deliveries did not arrive; 1 delivery too many")
    }

    @Test func whatEndedTheRunComesFirst() {
        var report = report(tally(), arrived: [4, 2])
        report.failure = "nothing has arrived for 10 s"
        report.lostConnections = 1
        report.firstLoss = "connection 2: gone"
        report.failed = 3
        report.firstFailure = "status 503"
        #expect(
            report.problem
                == "nothing has arrived for 10 s; 2 of 8 deliveries did not arrive; 1 connection was lost, the first: "
                + "connection 2: gone; 3 messages were not published, the first: status 503")
    }

    @Test func theTable() {
        var report = report(tally())
        report.wantedPerSecond = 20
        #expect(
            report.table == """
                connections  2 of 2 opened in 10.0 ms (200/s)
                messages     4 published, 0 failed
                deliveries   8 expected, 8 arrived, 0 lost
                measured     102 ms
                throughput   29/s messages of 20/s wanted
                             59/s deliveries, 0.1 MB/s
                latency      p50 1.000 ms, p90 2.000 ms, p99 2.000 ms, p99.9 2.000 ms, max 2.000 ms

                """)
    }

    @Test func withoutAnArrivalThereAreNoFigures() throws {
        let report = report(Tally(channels: 1), arrived: [0, 0])
        #expect(report.latency == nil)
        #expect(!report.table.contains("latency"))
        let object = try JSONObject(parsing: report.json.rawSpan)
        #expect(object["measured"] == .null)
        #expect(object["problem"] == .null)
    }

    @Test func theObjectHasTheSameFigures() throws {
        var report = report(tally(losing: 1), arrived: [4, 3])
        report.firstFailure = "a \"quoted\"\nline"
        let bytes = report.json
        let object = try JSONObject(parsing: bytes.rawSpan)
        guard case .string(let problem)? = object["problem"] else {
            Issue.record("no problem")
            return
        }
        #expect(problem == report.problem)
        func member(_ name: String) throws -> JSONObject {
            let range = try #require(object.rawRange(of: name))
            return try JSONObject(parsing: Array(bytes[range]).rawSpan)
        }
        #expect(try member("messages")["first_failure"] == .string("a \"quoted\"\nline"))
        let deliveries = String(decoding: bytes[try #require(object.rawRange(of: "deliveries"))], as: UTF8.self)
        #expect(deliveries == #"{"expected":8,"arrived":7,"lost":1,"too_many":0,"foreign":0}"#)
        let measured = try member("measured")
        for name in ["seconds", "messages", "deliveries", "messages_per_second", "deliveries_per_second"] {
            guard case .number? = measured[name] else {
                Issue.record("\(name) is no number")
                continue
            }
        }
    }
}
