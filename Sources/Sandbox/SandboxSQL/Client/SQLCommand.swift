import ArgumentParser
import Foundation
import NIOCore
import NIOPosix
import TDS

/// `sqlcmd`, as far as probes and set-up scripts of pods use it (https://learn.microsoft.com/sql/tools/sqlcmd/sqlcmd-utility).
struct SQLCommand {
    static let programName = "sqlcmd"

    private let options: SQLCommandOptions

    /// - Returns: the exit code.
    static func run(_ arguments: [String], environment: [String: String], isOfVersion17: Bool = false) -> Int32 {
        do {
            let options = try SQLCommandOptions(arguments, environment: environment, isOfVersion17: isOfVersion17)
            return try SQLCommand(options: options).run()
        } catch let error as SQLCommandOptions.Failure {
            write(error.description + "\n", to: .standardError)
            return 1
        } catch {
            write("Sqlcmd: Error: \(error)\n", to: .standardError)
            return 1
        }
    }

    private static func write(_ text: String, to file: FileHandle) { try? file.write(contentsOf: Data(text.utf8)) }

    private func run() throws -> Int32 {
        var output = FileHandle.standardOutput
        if let path = options.outputFile {
            guard let file = fopen(path, "w") else {
                throw SQLCommandOptions.Failure("Sqlcmd: Error: Error occurred while opening or operating on file \(path).")
            }
            output = FileHandle(fileDescriptor: dup(fileno(file)), closeOnDealloc: true)
            fclose(file)
        }
        let batches = try batches()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let promise = group.any().makePromise(of: Int32.self)
        let file = output
        promise.completeWithTask { await execute(batches, on: group.any(), into: file) }
        return try promise.futureResult.wait()
    }

    /// Reads the batches: from the query, the files, or standard input, in parts that end with a line GO.
    private func batches() throws -> [String] {
        var texts = options.query.map { [$0] } ?? []
        for path in options.inputFiles {
            guard let data = FileManager.default.contents(atPath: path) else {
                throw SQLCommandOptions.Failure("Sqlcmd: '\(path)': Invalid filename.")
            }
            texts.append(String(decoding: data, as: UTF8.self))
        }
        if texts.isEmpty { texts.append(String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self)) }
        return texts.flatMap(Self.split).filter { !$0.allSatisfy(\.isWhitespace) }
    }

    private static func split(_ text: String) -> [String] {
        var batches = [""]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            switch line.trimmingCharacters(in: .whitespaces).lowercased() {
            case "go": batches.append("")
            case "exit", "quit", ":exit", ":quit": return batches
            default: batches[batches.count - 1] += line + "\n"
            }
        }
        return batches
    }

    private func execute(_ batches: [String], on loop: any EventLoop, into output: FileHandle) async -> Int32 {
        let connection: TDSConnection
        do {
            connection = try await TDSConnection.connect(options.configuration, on: loop)
        } catch {
            report(error)
            return 1
        }
        var code: Int32 = 0
        for batch in batches {
            do {
                let result = try await connection.query(batch, timeout: options.queryTimeout)
                Self.write(try SQLCommandText(options: options).text(of: result), to: output)
            } catch {
                report(error, to: output)
                if options.endsOnError {
                    code = 1
                    break
                }
                guard connection.isOpen else {
                    code = 1
                    break
                }
            }
        }
        await connection.close()
        return code
    }

    /// The server's messages go where results go, those of the client itself to standard error.
    private func report(_ error: any Error, to output: FileHandle = .standardError) {
        let messages = (error as? TDSError)?.serverMessages ?? []
        guard messages.isEmpty else {
            for message in messages { Self.write(SQLCommandText.text(of: message), to: output) }
            return
        }
        Self.write("Sqlcmd: Error: Microsoft ODBC Driver 18 for SQL Server : \(error).\n", to: .standardError)
    }
}

/// An answer as sqlcmd writes it.
struct SQLCommandText {
    let options: SQLCommandOptions

    static func text(of message: TDSServerMessage) -> String {
        guard message.class > 10 else { return message.text + "\n" }
        let procedure = message.procedure.isEmpty ? "" : ", Procedure \(message.procedure)"
        return "Msg \(message.number), Level \(message.class), State \(message.state), Server \(message.server)\(procedure), "
            + "Line \(message.line)\n\(message.text)\n"
    }

    func text(of result: TDSResult) throws -> String {
        var text = result.infos.map(Self.text).joined()
        var counts = result.rowCounts[...]
        for set in result.resultSets {
            text += try table(set)
            if !counts.isEmpty { text += "\n(\(counts.removeFirst()) rows affected)\n" }
        }
        for count in counts { text += "\n(\(count) rows affected)\n" }
        return text
    }

    private func table(_ set: TDSResult.ResultSet) throws -> String {
        let rows = try set.rows.map { row in try row.values().map(Self.text) }
        let names = set.columns.map(\.name)
        let widths = names.indices.map { column in
            options.trimsColumns ? 0 : max(names[column].count, rows.map { $0[column].count }.max() ?? 0, 1)
        }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
                .joined(separator: options.separator) + "\n"
        }
        var text = ""
        if options.hasHeader {
            text += line(names)
            text += line(names.indices.map { String(repeating: "-", count: max(widths[$0], names[$0].count, 1)) })
        }
        return text + rows.map(line).joined()
    }

    private static func text(of value: TDSValue) -> String {
        switch value {
        case .null: "NULL"
        case .string(let text): text
        case .decimal(let number): number.description
        case .guid(let identifier): identifier.description
        case .real(let number): "\(number)"
        case .float(let number): "\(number)"
        case .binary(let bytes):
            "0x" + bytes.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
        case .date(let date): "\(date)"
        case .time(let time): "\(time)"
        case .dateTime(let moment): "\(moment)"
        case .dateTimeOffset(let moment, _): "\(moment)"
        case .bit, .tinyInt, .smallInt, .int, .bigInt: value.integer.map(String.init) ?? ""
        }
    }
}
