internal import CUV
internal import CUring
internal import Glibc

/// Sends all writes of a list with one system call: io_uring.
///
/// Every write carries MSG_DONTWAIT, so all of them complete inside the call that submits them, with the number of
/// accepted bytes or EAGAIN. Nothing is in flight between two calls, and the bytes belong to their owner again when
/// `send` returns.
@safe
public final class RingSender: Sender {
    /// For shorter lists the ring costs more than it saves.
    private static let minWrites = 8

    private let ring: UnsafeMutablePointer<io_uring>
    private let headers: UnsafeMutableBufferPointer<msghdr>
    private let sockets = SocketSender()
    private let failed: (SystemError) -> Void
    private var isOpen = true

    /// Sets up a ring for the calling thread, which is the only one that may send.
    ///
    /// Throws if the kernel is older than 6.1 or does not allow io_uring.
    ///
    /// - Parameter failed: called when the ring fails and is closed; every write is a system call of its own from then
    ///   on.
    public init(failed: @escaping (SystemError) -> Void) throws(SystemError) {
        unsafe ring = .allocate(capacity: 1)
        unsafe ring.initialize(to: io_uring())
        unsafe headers = .allocate(capacity: WriteList.capacity)
        self.failed = failed
        let result = unsafe curing_open(ring, UInt32(WriteList.capacity))
        guard result == 0 else {
            isOpen = false
            throw SystemError(code: -result, operation: "io_uring_setup")
        }
    }

    deinit {
        close()
        unsafe ring.deallocate()
        unsafe headers.deallocate()
    }

    /// Whether setting up a ring failed because the system does not offer one.
    ///
    /// The kernel is older than 6.1, io_uring is disabled (kernel.io_uring_disabled, a container's seccomp filter), or
    /// locked memory is limited.
    public static func isUnavailable(_ error: SystemError) -> Bool {
        [ENOSYS, EINVAL, EPERM, EACCES, ENOMEM].contains(error.code)
    }

    /// Performs each write of the list.
    public func send(_ list: WriteList) {
        guard isOpen, list.count >= RingSender.minWrites else { return sockets.send(list) }
        for index in 0..<list.count {
            unsafe prepare(index, list.writes[index], list.pieces(of: index))
        }
        let result = unsafe io_uring_submit_and_wait(ring, UInt32(list.count))
        let submitted = max(Int(result), 0)
        takeCompletions(submitted, list)
        if submitted < list.count { giveUp(list, from: submitted, result < 0 ? -result : EAGAIN) }
    }

    private func close() {
        guard isOpen else { return }
        isOpen = false
        unsafe io_uring_queue_exit(ring)
    }

    private func prepare(_ index: Int, _ write: WriteList.Write, _ pieces: UnsafeMutablePointer<iovec>) {
        // The ring has room for a full list and is empty between two lists.
        guard let entry = unsafe io_uring_get_sqe(ring) else { preconditionFailure("RingSender: the ring is full") }
        if write.pieceCount == 1 {
            unsafe io_uring_prep_send(
                entry, write.descriptor, pieces.pointee.iov_base, pieces.pointee.iov_len, Int32(CUV_SEND_FLAGS))
        } else {
            unsafe headers[index] = msghdr()
            unsafe headers[index].msg_iov = pieces
            unsafe headers[index].msg_iovlen = write.pieceCount
            unsafe io_uring_prep_sendmsg(
                entry, write.descriptor, headers.baseAddress.unsafelyUnwrapped + index, UInt32(CUV_SEND_FLAGS))
        }
        unsafe entry.pointee.user_data = UInt64(index)
    }

    private func takeCompletions(_ count: Int, _ list: WriteList) {
        var left = count
        while left > 0 {
            var completion: UnsafeMutablePointer<io_uring_cqe>?
            let result = unsafe io_uring_wait_cqe(ring, &completion)
            guard result == 0, let completion = unsafe completion else {
                if result == -EINTR { continue }
                preconditionFailure("RingSender: \(SystemError(code: -result, operation: "io_uring_wait_cqe"))")
            }
            unsafe list.writes[Int(completion.pointee.user_data)].result = Int(completion.pointee.res)
            unsafe io_uring_cqe_seen(ring, completion)
            left -= 1
        }
    }

    /// Entries that were not submitted are still in the ring and must not be sent twice, so the ring is not used any
    /// more.
    private func giveUp(_ list: WriteList, from start: Int, _ code: Int32) {
        close()
        sockets.send(list, from: start)
        failed(SystemError(code: code, operation: "io_uring_enter"))
    }
}

@available(*, unavailable)
extension RingSender: Sendable {}
