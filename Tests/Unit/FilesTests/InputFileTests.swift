import Foundation
import Testing

@testable import Files

@Suite(.timeLimit(.minutes(1))) struct InputFileTests {
    private func withPipe(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("input-\(UUID().uuidString)").path
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        try body(path)
    }

    /// A shell's process substitution, or another program that comes a little later.
    @Test func aPipeIsReadToItsEnd() throws {
        try withPipe { path in
            let content = [UInt8](repeating: 7, count: 300_000)
            let writer = Thread {
                let file = open(path, O_WRONLY)
                var rest = content[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
                    guard count > 0 else { break }
                    rest.removeFirst(count)
                }
                close(file)
            }
            writer.start()
            let read = try InputFile.bytes(path)
            #expect(read == content)
        }
    }

    @Test func aPipeWithoutAWriterIsNotWaitedForWithoutEnd() throws {
        try withPipe { path in
            #expect(throws: UnwrittenPipe.self) { try InputFile.open(path, writerTimeout: .zero) }
        }
    }

    /// Its writer may need longer than the one that has not come.
    @Test func aPipeThatIsEmptyForNowIsWaitedFor() throws {
        try withPipe { path in
            let writer = open(path, O_RDWR)
            let (handle, first) = try InputFile.open(path, writerTimeout: .zero)
            #expect(first.isEmpty)
            #expect(write(writer, "x", 1) == 1)
            close(writer)
            let rest = try InputFile.bytes(handle)
            #expect(rest == [UInt8(ascii: "x")])
        }
    }

    @Test func whatIsNoFileIsNamed() throws {
        func reason(_ path: String) -> POSIXErrorCode? {
            do {
                _ = try InputFile.bytes(path)
            } catch let error as POSIXError {
                return error.code
            } catch {
                Issue.record("\(error)")
            }
            return nil
        }
        #expect(reason("/") == .EISDIR)
        #expect(reason("/nowhere/x") == .ENOENT)
        #expect(reason("/dev/null/x") == .ENOTDIR)
    }

    @Test func aFileWithoutEndIsTooLarge() throws {
        let error = #expect(throws: CocoaError.self) { try InputFile.bytes("/dev/zero", limit: 1 << 20) }
        #expect(error?.code == .fileReadTooLarge)
    }
}
