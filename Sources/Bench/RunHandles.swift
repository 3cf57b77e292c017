internal import WSLoop

/// A run's handles on the loop, created and closed together.
struct RunHandles {
    let turnEnd: BeforeSleepHook
    /// Reports the progress every second.
    let second: Timer
    /// Ends publishing, and later closing.
    let deadline: Timer
    /// Wakes the loop when the next message is due.
    let due: FineTimer
    let signals: [SignalWatcher]

    init(on loop: Loop, signals numbers: [Int32]) throws(SystemError) {
        var made: [() -> Void] = []
        do throws(SystemError) {
            let turnEnd = try BeforeSleepHook(on: loop)
            made.append { turnEnd.close() }
            let second = try Timer(on: loop)
            made.append { second.close() }
            let deadline = try Timer(on: loop)
            made.append { deadline.close() }
            let due = try FineTimer(on: loop)
            made.append { due.close() }
            var signals: [SignalWatcher] = []
            for number in numbers {
                let signal = try SignalWatcher(on: loop, signal: number)
                made.append { signal.close() }
                signals.append(signal)
            }
            self.turnEnd = turnEnd
            self.second = second
            self.deadline = deadline
            self.due = due
            self.signals = signals
        } catch {
            for close in made { close() }
            throw error
        }
    }

    func close() {
        turnEnd.close()
        second.close()
        deadline.close()
        due.close()
        for signal in signals { signal.close() }
    }
}
