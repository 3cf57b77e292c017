internal import CUV
internal import Glibc

/// What the process may use and does use.
public enum SystemLimits {
    /// Raises the descriptor limit to what the system allows.
    ///
    /// - Returns: how many descriptors the process may have open now.
    public static func raiseDescriptorLimit() -> Int {
        var limit: UInt = 1024
        _ = unsafe cuv_raise_descriptor_limit(&limit)
        return Int(clamping: limit)
    }

    /// How many descriptors are open: Linux 6.2 and later tell it as the directory's size, older ones have it counted.
    public static func openDescriptors() -> Int {
        var status = stat()
        if unsafe stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        return countedDescriptors()
    }

    /// Counts the open descriptors one by one, which takes milliseconds when there are thousands.
    static func countedDescriptors() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = -3  // ".", ".." and the directory's own descriptor
        while unsafe readdir(directory) != nil { count += 1 }
        return max(count, 0)
    }

    /// Whether the kernel could encrypt a connection's records itself; pushd does not let it (docs/decisions/0015).
    public static var hasKernelTLS: Bool {
        let descriptor = socket(AF_INET, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0)
        guard descriptor >= 0 else { return false }
        defer { Socket.close(descriptor) }
        // One that has it says that the socket is not connected; one that has not knows nothing of that name.
        return unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN
    }

    /// Resident memory in bytes.
    public static func residentMemoryBytes() -> Int {
        var bytes = 0
        return unsafe uv_resident_set_memory(&bytes) == 0 ? bytes : 0
    }

    /// Gives memory that was freed back to the system: glibc keeps it otherwise, each thread in an arena of its own.
    public static func returnFreeMemory() {
        cuv_return_free_memory()
    }

    /// Makes blocks of at least this size go back to the system as soon as they are freed, for the whole process.
    public static func mapLargeBlocks(fromBytes bytes: Int) {
        cuv_map_large_blocks(Int32(clamping: bytes))
    }

    /// Keeps the process' memory, which holds keys and messages, out of core files.
    ///
    /// A limit of 0 does not count where a program takes the dumps (a core_pattern with a pipe). With a limit of 1 the
    /// kernel makes none there either (fs/coredump.c).
    public static func forbidCoreDumps() {
        var limit = rlimit(rlim_cur: 1, rlim_max: 1)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// Makes a write to a closed connection an error instead of a deadly signal, for the whole process.
    public static func ignoreBrokenPipes() {
        ignoreSignals([SIGPIPE])
    }

    /// Makes signals do nothing, for the whole process, until a `SignalWatcher` waits for them.
    public static func ignoreSignals(_ signals: [Int32]) {
        for number in signals { _ = signal(number, SIG_IGN) }
    }
}
