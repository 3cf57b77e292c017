internal import CUV
internal import Glibc

/// The process' limits and resource usage.
public enum SystemLimits {
    /// Raises the descriptor limit to the highest that the system allows.
    ///
    /// - Returns: the number of descriptors that the process may have open now.
    public static func raiseDescriptorLimit() -> Int {
        var limit: UInt = 1024
        _ = unsafe cuv_raise_descriptor_limit(&limit)
        return Int(clamping: limit)
    }

    /// The number of open descriptors: Linux 6.2 and later report it as the directory's size; on older kernels it is
    /// counted.
    public static func openDescriptors() -> Int {
        var status = stat()
        if unsafe stat("/proc/self/fd", &status) == 0, status.st_size > 0 { return Int(status.st_size) }
        return countedDescriptors()
    }

    /// Counts the open descriptors one by one, which takes milliseconds for thousands of them.
    static func countedDescriptors() -> Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = -3  // ".", ".." and the directory's own descriptor
        while unsafe readdir(directory) != nil { count += 1 }
        return max(count, 0)
    }

    /// Whether the kernel supports TLS (kTLS); pushd does not use it (docs/decisions/0015).
    public static var hasKernelTLS: Bool {
        let descriptor = socket(AF_INET, Int32(CUV_SOCK_STREAM) | Int32(CUV_SOCK_FLAGS), 0)
        guard descriptor >= 0 else { return false }
        defer { Socket.close(descriptor) }
        // With kTLS the kernel answers that the socket is not connected; without it the name is unknown.
        return unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_ULP, "tls", 3) == 0 || errno == ENOTCONN
    }

    /// Resident memory in bytes.
    public static func residentMemoryBytes() -> Int {
        var bytes = 0
        return unsafe uv_resident_set_memory(&bytes) == 0 ? bytes : 0
    }

    /// Returns freed memory to the system; otherwise glibc keeps it, in an arena per thread.
    public static func returnFreeMemory() {
        cuv_return_free_memory()
    }

    /// Makes blocks of at least this size return to the system as soon as they are freed, for the whole process.
    public static func mapLargeBlocks(fromBytes bytes: Int) {
        cuv_map_large_blocks(Int32(clamping: bytes))
    }

    /// Keeps the process' memory, which contains keys and messages, out of core files.
    ///
    /// The kernel ignores a limit of 0 when core_pattern pipes the dump to a program, but with a limit of 1 it never
    /// makes one (fs/coredump.c).
    public static func forbidCoreDumps() {
        var limit = rlimit(rlim_cur: 1, rlim_max: 1)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
    }

    /// Makes a write to a closed connection return an error instead of killing the process with a signal.
    public static func ignoreBrokenPipes() {
        ignoreSignals([SIGPIPE])
    }

    /// Ignores signals, for the whole process, until a `SignalWatcher` watches them.
    public static func ignoreSignals(_ signals: [Int32]) {
        for number in signals { _ = signal(number, SIG_IGN) }
    }
}
