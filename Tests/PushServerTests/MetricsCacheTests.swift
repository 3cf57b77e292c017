import HTTP
import Testing

@testable import PushServer

@Suite struct MetricsCacheTests {
    @Test func `figures are computed once a second, whoever asks`() {
        let cache = MetricsCache()
        var computed: [UInt8] = []
        let answers = [0, 1, 999_999_999, 1_000_000_000, 1_500_000_000, 900_000_000, 3_000_000_000].map { now in
            cache.response(at: now) {
                computed.append(UInt8(computed.count))
                return Response(.ok, contentType: "text/plain", body: computed.suffix(1))
            }.body
        }
        #expect(answers == [[0], [0], [0], [1], [1], [1], [2]])
    }
}
