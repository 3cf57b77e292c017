import TestSupport
import WSLoop

extension LoopServer {
    /// Answers all input with one text.
    ///
    /// Sends no answer if it is nil, and closes each connection at once if it is empty.
    convenience init(on loop: Loop, answer: String?) throws {
        try self.init(on: loop) { input in
            guard answer != "" else { return .end("") }
            guard let answer, !input.isEmpty else { return .wait }
            input = []
            return .answer(answer)
        }
    }
}
