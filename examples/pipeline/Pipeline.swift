import ArgumentParser
import AsyncLoop
import Glibc

/// Reads JSON lines from gzip files, keeps a few fields of each, and writes gzip files.
@main
struct Pipeline: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipeline",
        abstract: "Keeps a few fields of JSON lines in gzip files.",
        discussion: """
            It may be killed at any moment: started again with the same arguments, it goes on with what is missing.

            Example:
              pipeline --keep id --keep amount:number --keep time:unix events cleaned
            """)

    @Option(
        help: ArgumentHelp(
            "A field to keep; may be repeated. With :number, a string that holds a number becomes one; with :unix, a "
                + "time such as 2026-11-29T21:04:21Z becomes seconds.", valueName: "field"))
    var keep: [Field]

    @Option(help: "How many MiB of text become one file; a longer line is dropped.")
    var batch = 8

    @Option(help: "The compression: from 1, fast, to 9, small.")
    var level = 1

    // One task reads, and it cannot keep more threads busy.
    @Option(help: "How many threads work (default: one per processor, at most 4).")
    var threads = min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 4)

    @Argument(help: "The folder with files named *.jsonl.gz.")
    var input: String

    @Argument(help: "The folder for the results, which is made if it does not exist.")
    var output: String

    func validate() throws {
        guard !keep.isEmpty else { throw ValidationError("name at least one field: --keep FIELD") }
        guard Set(keep.map(\.name)).count == keep.count else { throw ValidationError("a field is named twice") }
        guard 1...1024 ~= batch else { throw ValidationError("--batch must be from 1 to 1024") }
        guard 1...9 ~= level else { throw ValidationError("--level must be from 1 to 9") }
        guard 1...1024 ~= threads else { throw ValidationError("--threads must be from 1 to 1024") }
    }

    func run() throws {
        let recipe = Recipe(fields: keep, batchBytes: batch << 20, level: level)
        let (source, target) = (Folder(path: input), Folder(path: output))
        let threads = threads
        let summary = try LoopExecutor.run(LoopOptions(blockingThreads: threads)) { loop in
            let inputs = try await loop.runBlocking {
                try target.reserve()
                return try source.inputs()
            }
            let progress = Progress(bytes: inputs.reduce(0) { $0 + $1.bytes })
            async let _: Void = progress.show(on: loop)
            // One more than there are threads, so that one can wait for the disk.
            let work = Work(loop: loop, recipe: recipe, output: target, writers: threads + 1, progress: progress)
            try await work.run(inputs)
            return progress.summary
        }
        print(summary)
    }
}
