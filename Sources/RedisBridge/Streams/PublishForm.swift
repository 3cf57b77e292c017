internal import Broker

/// How a message is published.
enum PublishForm {
    case plain
    /// By the script, which numbers and keeps it.
    case numbered(StreamLimits, key: String?)
}
