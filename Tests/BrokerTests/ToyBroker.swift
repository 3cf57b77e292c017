import Broker

/// A server in memory that knows one toy broker.
final class ToyServer {
    var subscriptions: Set<String> = []
    var isAway = false
    var records: [(record: [UInt8], end: Int)] = []
}

/// A broker that does everything one turn later, like one on another machine.
final class ToyBroker: RemoteBroker {
    private let server: ToyServer
    private unowned let delegate: any BrokerDelegate
    /// The channels that are asked for, and whether the server has confirmed them.
    private var channels: [String: Bool] = [:]
    private var unsettled: [String] = []
    private var publications: [(Publication, PublishTicket)] = []
    private var hearsNodes = false
    private var told: [[UInt8]] = []
    private(set) var status = BrokerStatus(state: .connected, sinceMilliseconds: 0)

    init(_ server: ToyServer, delegate: any BrokerDelegate) {
        self.server = server
        self.delegate = delegate
    }

    func subscribe(_ channel: String) -> Bool {
        if channels[channel] == true { return true }
        channels[channel] = false
        unsettled.append(channel)
        return false
    }

    func unsubscribe(_ channel: String) {
        channels[channel] = nil
        unsettled.removeAll { $0 == channel }
        server.subscriptions.remove(channel)
    }

    func publish(_ publication: Publication, for ticket: PublishTicket) -> PublishOutcome? {
        guard !server.isAway else { return .failure(BrokerFailure("the toy is away")) }
        publications.append((publication, ticket))
        return nil
    }

    func report(
        _ report: CensusReport, completion: @escaping (Result<CensusAnswer, BrokerFailure>) -> Void
    ) {
        completion(.failure(BrokerFailure("the toy has no census")))
    }

    func clearHistory(of channel: String, for ticket: PublishTicket) {
        delegate.brokerPublished(.failure(BrokerFailure("the toy has no histories")), for: ticket)
    }

    func streamRulesChanged() {}

    func stop() {
        channels = [:]
        publications = []
    }

    /// One turn of its loop.
    func turn() {
        noticeState()
        settle()
        for (publication, ticket) in publications {
            delegate.brokerPublished(.success(Published()), for: ticket)
            if server.subscriptions.contains(publication.channel) { delegate.brokerReceived(publication) }
        }
        publications = []
        for text in told { delegate.brokerHeard(text) }
        told = []
    }

    private func noticeState() {
        let state: BrokerStatus.State = server.isAway ? .disconnected : .connected
        guard state != status.state else { return }
        status.state = state
        delegate.brokerStatusChanged(status)
        guard state == .connected else {
            server.subscriptions = []
            for channel in channels.keys { channels[channel] = false }
            return delegate.brokerLostSubscriptions()
        }
        if hearsNodes { delegate.brokerJoinedNodes() }
        for channel in channels.keys {
            confirm(channel)
            delegate.brokerLeftGap(in: channel, milliseconds: 1)
        }
    }

    private func settle() {
        for channel in unsettled {
            if !server.isAway { confirm(channel) }
            delegate.brokerSettled(channel, isConfirmed: !server.isAway)
        }
        unsettled = []
    }

    private func confirm(_ channel: String) {
        channels[channel] = true
        server.subscriptions.insert(channel)
    }
}

extension ToyBroker {
    func joinNodes() {
        hearsNodes = true
        if !server.isAway { delegate.brokerJoinedNodes() }
    }

    func tellNodes(_ text: [UInt8], completion: @escaping (BrokerFailure?) -> Void) {
        guard !server.isAway else { return completion(BrokerFailure("the toy is away")) }
        told.append(text)
        completion(nil)
    }

    func keep(_ record: [UInt8], until end: Int, completion: @escaping (BrokerFailure?) -> Void) {
        guard !server.isAway else { return completion(BrokerFailure("the toy is away")) }
        server.records.append((record, end))
        completion(nil)
    }

    func readRecords(_ take: @escaping ([UInt8]) -> Void, completion: @escaping (BrokerFailure?) -> Void) {
        guard !server.isAway else { return completion(BrokerFailure("the toy is away")) }
        for (record, _) in server.records { take(record) }
        completion(nil)
    }
}
