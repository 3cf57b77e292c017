internal import WSLoop

extension Timer {
    /// Makes `count` timers, or none if one cannot be made.
    static func several(_ count: Int, on loop: Loop) throws(SystemError) -> [Timer] {
        var timers: [Timer] = []
        do throws(SystemError) {
            for _ in 0..<count { timers.append(try Timer(on: loop)) }
        } catch {
            for timer in timers { timer.close() }
            throw error
        }
        return timers
    }
}
