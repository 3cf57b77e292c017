internal import WSLoop

/// A shard's handles on the loop, created and closed together.
struct ShardHandles {
    let subscriberTimer: Timer
    let publisherTimer: Timer
    let deadlineTimer: Timer
    let probeTimer: Timer

    init(on loop: Loop) throws(SystemError) {
        let timers = try Timer.several(4, on: loop)
        subscriberTimer = timers[0]
        publisherTimer = timers[1]
        deadlineTimer = timers[2]
        probeTimer = timers[3]
    }

    func close() {
        for timer in [subscriberTimer, publisherTimer, deadlineTimer, probeTimer] { timer.close() }
    }
}
