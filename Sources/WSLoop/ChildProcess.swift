internal import CUV
internal import Glibc

/// A child process; `onEvent`'s action runs when it has ended.
@safe
public final class ChildProcess: Handle {
    /// What to run.
    public struct Command: Sendable {
        /// The program's path, or its name to be found in PATH.
        public var program: String
        /// The arguments after the program's name.
        public var arguments: [String]
        /// The environment as `NAME=value`; nil for this process' own.
        public var environment: [String]?
        /// The working directory; nil for this process' own.
        public var directory: String?

        /// Makes a command.
        public init(
            _ program: String, _ arguments: [String] = [], environment: [String]? = nil, directory: String? = nil
        ) {
            self.program = program
            self.arguments = arguments
            self.environment = environment
            self.directory = directory
        }
    }

    /// How a process ended.
    public enum Exit: Equatable, Sendable {
        /// It returned this code.
        case code(Int)
        /// A signal ended it.
        case signal(Int32)
    }

    /// The process' number.
    public private(set) var identifier: Int32 = 0
    /// How it ended; nil while it runs.
    public private(set) var exit: Exit?

    /// Starts a process.
    ///
    /// - Parameter descriptors: become the process' standard input, output and error; nil is /dev/null. The caller
    ///   closes its own.
    public init(on loop: Loop, _ command: Command, descriptors: [Int32?]) throws(SystemError) {
        // uv_spawn fails without an initialised handle, so a failure must also close it.
        var result: Int32 = 0
        var number: Int32 = 0
        try unsafe super.init(on: loop, type: UV_PROCESS, "uv_spawn") { memory in
            let raw = unsafe memory.assumingMemoryBound(to: uv_process_t.self)
            result = unsafe ChildProcess.spawn(loop.raw, raw, command, descriptors)
            number = unsafe raw.pointee.pid
            return 0
        }
        guard result == 0 else {
            close()
            throw SystemError(code: result, operation: "start \(command.program)")
        }
        identifier = number
    }

    /// Sends a signal, unless the process has ended.
    public func kill(_ signal: Int32) {
        guard exit == nil, !isClosed else { return }
        _ = unsafe uv_process_kill(memory.assumingMemoryBound(to: uv_process_t.self), signal)
    }

    private static func spawn(
        _ loop: UnsafeMutablePointer<uv_loop_t>, _ raw: UnsafeMutablePointer<uv_process_t>, _ command: Command,
        _ descriptors: [Int32?]
    ) -> Int32 {
        var streams = unsafe descriptors.map { descriptor in
            unsafe uv_stdio_container_t(
                flags: descriptor == nil ? UV_IGNORE : UV_INHERIT_FD, data: .init(fd: descriptor ?? -1))
        }
        var arguments = CStringList([command.program] + command.arguments)
        var environment = command.environment.map { CStringList($0) }
        defer {
            arguments.free()
            environment?.free()
        }
        var options = unsafe uv_process_options_t()
        unsafe options.exit_cb = { unsafe ChildProcess.ended($0, code: $1, signal: $2) }
        return unsafe command.program.withCString { program in
            unsafe streams.withUnsafeMutableBufferPointer { streams in
                unsafe (command.directory ?? "").withCString { directory in
                    unsafe options.file = program
                    unsafe options.args = arguments.base
                    unsafe options.env = environment?.base
                    unsafe options.cwd = command.directory == nil ? nil : directory
                    unsafe options.stdio = streams.baseAddress
                    unsafe options.stdio_count = Int32(streams.count)
                    return unsafe uv_spawn(loop, raw, &options)
                }
            }
        }
    }

    private static func ended(_ raw: UnsafeMutablePointer<uv_process_t>?, code: Int64, signal: Int32) {
        guard let process = unsafe Handle.owner(raw?.pointee.data, as: ChildProcess.self) else { return }
        process.exit = signal == 0 ? .code(Int(code)) : .signal(signal)
        unsafe Handle.runAction(raw?.pointee.data)
    }
}

/// A list of C strings that ends with a null pointer.
@safe
private struct CStringList {
    private let list: UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>

    init(_ strings: [String]) {
        unsafe list = .allocate(capacity: strings.count + 1)
        for (index, text) in strings.enumerated() {
            unsafe list.initializeElement(at: index, to: strdup(text))
        }
        unsafe list.initializeElement(at: strings.count, to: nil)
    }

    var base: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? { unsafe list.baseAddress }

    mutating func free() {
        for index in unsafe list.indices { unsafe Glibc.free(list[index]) }
        unsafe list.deallocate()
    }
}
