import AsyncLoop
import Synchronization

/// How the input becomes output.
struct Recipe: Sendable {
    let fields: [Field]
    let batchBytes: Int
    let level: Int

    /// What the content of an input's files depends on.
    func origin(_ input: Input) -> String {
        "input=\(input.bytes) batch=\(batchBytes) level=\(level) fields=\(fields.map(\.description).joined(separator: ","))"
    }
}

/// Lines of one input that become one file.
struct Batch: Sendable {
    let path: String
    let origin: String
    let piece: LineCutter.Piece
}

/// The work on a folder: one task reads, several write, and a bounded queue between them limits the memory.
struct Work: Sendable {
    let loop: LoopExecutor
    let recipe: Recipe
    let output: Folder
    let writers: Int
    let progress: Progress

    func run(_ inputs: [Input]) async throws {
        let queue = BoundedQueue<Batch>(capacity: writers, on: loop)
        try await withThrowingTaskGroup { group in
            group.addTask {
                for input in inputs { try await read(input, into: queue) }
                await queue.close()
            }
            for _ in 0..<writers {
                group.addTask {
                    while let batch = await queue.next() { try await write(batch) }
                }
            }
            do {
                for try await _ in group {}
            } catch {
                await queue.abort()
                throw error
            }
        }
    }

    /// Adds the batches of a file to the queue that are not written yet.
    private func read(_ input: Input, into queue: BoundedQueue<Batch>) async throws {
        let origin = recipe.origin(input)
        if let receipts = try await loop.runBlocking({ try completeReceipts(input, origin) }) {
            for receipt in receipts { progress.add(receipt, isOld: true) }
            progress.add(bytes: input.bytes)
            return
        }
        let cutter = Mutex(try LineCutter(input.path, batchBytes: recipe.batchBytes))
        var number = 0
        var isLast = false
        while !isLast {
            let path = path(input, number)
            let (piece, receipt) = try await loop.runBlocking {
                (try cutter.withLock { try $0.next() }, try self.receipt(path, origin))
            }
            if let receipt {
                progress.add(receipt, isOld: true)
                progress.add(bytes: piece.fileBytes)
            } else {
                try await queue.add(Batch(path: path, origin: origin, piece: piece))
            }
            number += 1
            isLast = piece.isLast
        }
    }

    private func write(_ batch: Batch) async throws {
        let recipe = recipe
        let (content, receipt) = try await loop.runBlocking {
            var transform = Transform(recipe.fields)
            let (text, lines, dropped) = transform.apply(to: batch.piece.text)
            let receipt = Receipt(
                lines: lines + batch.piece.tooLong, dropped: dropped + batch.piece.tooLong,
                isLast: batch.piece.isLast, origin: batch.origin)
            return (try BatchFile.encode(text, receipt, level: recipe.level), receipt)
        }
        try await loop.writeFile(batch.path, content)
        progress.add(receipt, isOld: false)
        progress.add(bytes: batch.piece.fileBytes)
    }

    private func path(_ input: Input, _ number: Int) -> String {
        let digits = String(number)
        let padding = String(repeating: "0", count: max(0, 5 - digits.count))
        return "\(output.path)/\(input.name).\(padding)\(digits)\(Input.suffix)"
    }

    /// The receipts of all files of an input; nil if one is missing.
    private func completeReceipts(_ input: Input, _ origin: String) throws -> [Receipt]? {
        var receipts: [Receipt] = []
        while let receipt = try receipt(path(input, receipts.count), origin) {
            receipts.append(receipt)
            if receipt.isLast { return receipts }
        }
        return nil
    }

    private func receipt(_ path: String, _ origin: String) throws -> Receipt? {
        guard let receipt = try BatchFile.receipt(path) else { return nil }
        guard receipt.origin == origin else {
            throw Failure("\(path) comes from other settings or input (\(receipt.origin)); use an empty folder")
        }
        return receipt
    }
}
