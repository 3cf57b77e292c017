internal import Access

/// The limits that are counted each time they are reached.
enum LimitName: Int, CaseIterable {
    case connections, connectRate, addressConnectRate, addressConnections, userConnections, messageRate, channels,
        addressSockets

    /// The option that sets it, without dashes.
    var label: String {
        switch self {
        case .connections: "max-connections"
        case .connectRate: "max-connect-rate"
        case .addressConnectRate: "max-connect-rate-per-address"
        case .addressConnections: "max-connections-per-address"
        case .userConnections: "max-connections-per-user"
        case .messageRate: "max-message-rate"
        case .channels: "max-channels"
        case .addressSockets: "max-sockets-per-address"
        }
    }
}

extension Admission.Refusal {
    /// The limit that refuses.
    var limit: LimitName {
        switch self {
        case .rate: .connectRate
        case .addressRate: .addressConnectRate
        case .address: .addressConnections
        case .user: .userConnections
        }
    }
}

extension ServerState {
    /// The configured limit; nil for none.
    func limit(_ name: LimitName) -> Limit? {
        switch name {
        case .connections: places.maxClients
        case .connectRate: configuration.admission.opensPerSecond
        case .addressConnectRate: configuration.admission.opensPerSecondOfAddress
        case .addressConnections: configuration.admission.connectionsOfAddress
        case .userConnections: configuration.admission.connectionsOfUser
        case .messageRate: configuration.maxMessageRate
        case .channels: configuration.maxChannels
        case .addressSockets: configuration.maxSocketsOfAddress
        }
    }
}
