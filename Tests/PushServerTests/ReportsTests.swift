import Access
import Broker
import Bytes
import Channels
import HTTP
import Logging
import RedisBridge
import Testing

@testable import PushServer

@Suite struct ReportsTests {
    private func state(_ adjust: (inout ServerConfiguration) throws -> Void) rethrows -> ServerState {
        var configuration = ServerConfiguration()
        try adjust(&configuration)
        return ServerState(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func redis(_ state: BrokerStatus.State, isUsable: Bool) -> BrokerStatus {
        var status = BrokerStatus(state: state, sinceMilliseconds: 0)
        status.reconnects = 2
        status.subscribedChannels = 3
        status.probeMilliseconds = state == .connected ? 0.4 : nil
        status.isUsable = isUsable
        return status
    }

    @Test func healthBeginsAsTheContractSays() {
        var totals = WorkerCounters()
        totals.webSockets = 12
        let state = state { _ in }
        let response = Reports.health(state, totals, tellsReasons: true)
        #expect(response.status == .ok)
        #expect(string(response.body).hasPrefix(#"{"status":"ok","connections":12,"channels":0,"subscriptions":0,"#))
        #expect(isJSON(response.body))
    }

    @Test func healthCountsChannelsAndSubscriptions() throws {
        let state = state { $0.workers = 2 }
        for (channel, loop) in [("a", 0), ("a", 1), ("b", 1)] { _ = state.directory.acquire(channel, loop: loop) }
        let body = string(Reports.health(state, WorkerCounters(), tellsReasons: true).body)
        #expect(body.contains(#""channels":2,"subscriptions":3,"uptime_s":0,"workers":2,"redis":{"#))
    }

    @Test func redisInHealth() throws {
        let state = try state { $0.broker = .redis(try RedisEndpoint(parsing: "redis://h")) }
        #expect(Reports.status(state) == "degraded", "wanted, and not known to be usable")
        state.brokerStatus = redis(.connected, isUsable: true)
        let body = string(Reports.health(state, WorkerCounters(), tellsReasons: true).body)
        #expect(body.hasPrefix(#"{"status":"ok","connections":0,"#))
        #expect(body.contains(#""redis":{"state":"connected","since_s":"#))
        #expect(body.hasSuffix(#","reconnects":2,"subscribed":3,"probe_ms":0.400}}"#))
        #expect(isJSON(Array(body.utf8)))
        state.brokerStatus = redis(.connected, isUsable: false)
        #expect(Reports.status(state) == "degraded")
        state.brokerStatus = redis(.disconnected, isUsable: false)
        let disconnected = Reports.health(state, WorkerCounters(), tellsReasons: true)
        #expect(disconnected.status == .ok, "a lost Redis is no reason to restart the server")
        #expect(string(disconnected.body).hasPrefix(#"{"status":"degraded","connections":0,"#))
        #expect(isJSON(disconnected.body))
    }

    @Test func onlyAdminsReadWhyRedisIsAway() throws {
        let state = try state { $0.broker = .redis(try RedisEndpoint(parsing: "redis://h")) }
        var status = redis(.disconnected, isUsable: false)
        status.reason = "192.0.2.7:6379: connection refused"
        state.brokerStatus = status
        let bodies = [true, false].map {
            string(Reports.health(state, WorkerCounters(), tellsReasons: $0).body)
        }
        #expect(bodies[0].contains(#""reason":"192.0.2.7:6379: connection refused""#))
        #expect(!bodies[1].contains("192.0.2.7") && bodies[1].contains(#""state":"disconnected""#))
    }

    @Test func drainingOutweighsDegraded() throws {
        let state = try state { $0.broker = .redis(try RedisEndpoint(parsing: "redis://h")) }
        state.lifecycle.enter(.draining)
        #expect(Reports.status(state) == "draining")
    }

    @Test func readinessFollowsThePhaseAndTheRoom() {
        let state = state { $0.maxConnections = 1 }
        #expect(Reports.readiness(state).status == .serviceUnavailable)
        state.lifecycle.enter(.serving)
        #expect(Reports.readiness(state).status == .ok)
        let isFirstTaken = state.places.take()
        #expect(isFirstTaken)
        #expect(Reports.readiness(state).status == .serviceUnavailable)
        let isSecondTaken = state.places.take()
        #expect(!isSecondTaken)
        state.places.release()
        #expect(Reports.readiness(state).status == .serviceUnavailable)
        state.places.release()
        #expect(Reports.readiness(state).status == .ok)
        state.lifecycle.enter(.draining)
        #expect(Reports.readiness(state).status == .serviceUnavailable)
        #expect(Reports.liveness(state).status == .ok, "draining is alive")
    }

    @Test func aServerIsNotFullByALimitThatIsNotEnforced() {
        let state = state { $0.maxConnections = Limit(1, isEnforced: false) }
        state.lifecycle.enter(.serving)
        let (first, second) = (state.places.take(), state.places.take())
        #expect(first && !second)
        #expect(Reports.readiness(state).status == .ok)
    }

    @Test func published() {
        let body = Reports.published(channel: "a\"b", subscribers: 3).body
        #expect(string(body) == #"{"channel":"a\"b","subscribers":3}"#)
    }

    @Test func metricsAreAValidExposition() throws {
        let state = try state { $0.broker = .redis(try RedisEndpoint(parsing: "redis://h")) }
        state.brokerStatus = redis(.connected, isUsable: true)
        var totals = WorkerCounters()
        for seconds in [0.000_01, 0.003, 0.003, 99] { totals.publishToWrite.observe(seconds: seconds) }
        let exposition = try Exposition(parsing: string(Metrics.response(state, totals).body))
        for name in [
            "connections", "channels", "subscriptions", "connections_opened_total", "connections_closed_total",
            "messages_in_total", "deliveries_total", "delivered_bytes_total", "dropped_total", "outbox_bytes",
            "outbox_bytes_max", "redis_up", "redis_reconnects_total", "redis_probe_seconds", "publish_to_write_seconds",
            "loop_lag_seconds", "handshakes_total", "open_fds", "max_fds", "resident_memory_bytes", "build_info",
            "uptime_seconds", "start_time_seconds",
        ] {
            #expect(exposition.families["pushd_\(name)"] != nil, "\(name) is missing")
        }
        #expect(exposition.value("pushd_redis_up") == 1)
        #expect(exposition.value("pushd_redis_probe_seconds") == 0.0004)
        #expect(exposition.value("pushd_build_info{version=\"\(Server.version)\"}") == 1)
        #expect(exposition.value(#"pushd_publish_to_write_seconds_bucket{le="0.005"}"#) == 3)
        #expect(exposition.value(#"pushd_publish_to_write_seconds_bucket{le="+Inf"}"#) == 4)
        #expect(exposition.value("pushd_publish_to_write_seconds_count") == 4)
    }

    @Test func metricsHaveTheContractsLabels() throws {
        let exposition = try Exposition(parsing: string(Metrics.response(state { _ in }, WorkerCounters()).body))
        for reason in CloseReason.allCases {
            #expect(exposition.value("pushd_connections_closed_total{reason=\"\(reason.label)\"}") == 0)
        }
        for source in ["http", "redis", "client"] {
            #expect(exposition.value("pushd_messages_in_total{source=\"\(source)\"}") == 0)
        }
        #expect(exposition.value(#"pushd_dropped_total{policy="disconnect"}"#) == 0)
        for status in ["101", "400", "403", "426", "503"] {
            #expect(exposition.value("pushd_handshakes_total{status=\"\(status)\"}") == 0)
        }
    }
}
