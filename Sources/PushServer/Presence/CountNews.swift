internal import Bytes

/// The channels whose subscribers are to be told how many they are.
///
/// In a small channel they are told of each change; in a large one only some seconds apart, since each change is told
/// to all of them. Times are milliseconds on one clock.
struct CountNews {
    static let largestSmallChannel = 100
    static let pauseMilliseconds: UInt64 = 5000
    /// After a restart very many change at once; the others follow.
    static let maxAtOnce = 1000

    private var waiting: Set<ByteName> = []
    /// The large ones of the last seconds.
    private var toldAt: [ByteName: UInt64] = [:]

    /// Takes out what is to be told now.
    ///
    /// - Parameters:
    ///   - changed: the channels that have more or fewer subscriptions than before.
    ///   - count: how many a channel has.
    mutating func take(
        _ changed: Set<ByteName>, at now: UInt64, count: (ByteName) -> Int
    ) -> [(channel: ByteName, count: Int)] {
        waiting.formUnion(changed)
        toldAt = toldAt.filter { now < $0.value + CountNews.pauseMilliseconds }
        var news: [(channel: ByteName, count: Int)] = []
        for channel in waiting where news.count < CountNews.maxAtOnce {
            let count = count(channel)
            if count > CountNews.largestSmallChannel {
                guard toldAt[channel] == nil else { continue }
                toldAt[channel] = now
            }
            news.append((channel, count))
        }
        for (channel, _) in news { waiting.remove(channel) }
        return news
    }
}
