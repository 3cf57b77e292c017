internal import CUV
internal import CUring
internal import Glibc

/// How a list of writes gets to the kernel; confined to its loop's thread.
public protocol Sender: AnyObject {
    /// Makes each write of the list once, without waiting, and notes the results in it.
    func send(_ list: WriteList)
}

/// One system call for each write.
///
/// send(2) rather than `uv_try_write`: that one uses write(2), which measured 7 % dearer.
public final class SocketSender: Sender {
    /// Makes a sender.
    public init() {}

    /// Makes each write of the list.
    public func send(_ list: WriteList) {
        send(list, from: 0)
    }

    func send(_ list: WriteList, from start: Int) {
        for index in start..<list.count {
            let result = SocketSender.write(list, index)
            unsafe list.writes[index].result = result < 0 ? -Int(errno) : result
        }
    }

    private static func write(_ list: WriteList, _ index: Int) -> Int {
        let write = unsafe list.writes[index]
        let pieces = unsafe list.pieces(of: index)
        if write.pieceCount == 1 {
            return unsafe cuv_send(write.descriptor, pieces.pointee.iov_base, pieces.pointee.iov_len)
        }
        var message = unsafe msghdr()
        unsafe message.msg_iov = pieces
        unsafe message.msg_iovlen = write.pieceCount
        return unsafe cuv_sendmsg(write.descriptor, &message)
    }
}

@available(*, unavailable)
extension SocketSender: Sendable {}
