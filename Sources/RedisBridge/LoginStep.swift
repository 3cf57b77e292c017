/// A command that is sent before all others on a new connection.
enum LoginStep {
    case authenticate(user: String?, password: String)
    case select(UInt32)
    /// Tells whether Redis serves us: it fails without a needed password and while a dataset is loaded.
    case ping

    static func steps(for endpoint: RedisEndpoint) -> [LoginStep] {
        var steps: [LoginStep] = []
        if let password = endpoint.password { steps.append(.authenticate(user: endpoint.user, password: password)) }
        if endpoint.database != 0 { steps.append(.select(endpoint.database)) }
        return steps + [.ping]
    }

    var name: String {
        switch self {
        case .authenticate: "AUTH"
        case .select: "SELECT"
        case .ping: "PING"
        }
    }

    var command: [[UInt8]] {
        switch self {
        case .authenticate(let user?, let password): [Array("AUTH".utf8), Array(user.utf8), Array(password.utf8)]
        case .authenticate(nil, let password): [Array("AUTH".utf8), Array(password.utf8)]
        case .select(let database): [Array("SELECT".utf8), Array(String(database).utf8)]
        case .ping: [Array("PING".utf8)]
        }
    }

    /// A user who may only publish and subscribe may not ping, and needs not: the answer shows that Redis serves us.
    func tolerates(_ errorText: String) -> Bool {
        if case .ping = self { errorText.hasPrefix("NOPERM") } else { false }
    }
}
