import Foundation
import Testing

@testable import Kubernetes

@Suite struct LineSplitterTests {
    private func lines(_ bytes: [UInt8], pieces: [Int]) throws -> [String] {
        var splitter = LineSplitter()
        var result: [String] = []
        var rest = bytes[...]
        var index = 0
        while !rest.isEmpty {
            let piece = rest.prefix(pieces[index % pieces.count])
            rest = rest.dropFirst(piece.count)
            index += 1
            result += try splitter.append(Array(piece)).map { String(decoding: $0, as: UTF8.self) }
        }
        return result
    }

    @Test(arguments: [[1], [2], [3, 1, 7], [4096], [1 << 20]])
    func anyChunkingOfARecordedWatchGivesTheSameLines(_ pieces: [Int]) throws {
        let data = try Fixture.data("watch-pods-delete.jsonl")
        let expected = String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        #expect(try lines(Array(data), pieces: pieces) == expected)
        #expect(expected.count == 10)
    }

    @Test func randomChunking() throws {
        let data = Array(try Fixture.data("watch-pods-delete.jsonl"))
        let expected = try lines(data, pieces: [data.count])
        for _ in 0..<50 {
            let pieces = (0..<20).map { _ in Int.random(in: 1...5000) }
            #expect(try lines(data, pieces: pieces) == expected, "pieces \(pieces)")
        }
    }

    @Test func aLineOfSeveralMebibytesInSmallPieces() throws {
        let long = String(repeating: "x", count: 3 << 20)
        #expect(try lines(Array("a\n\(long)\nb\n".utf8), pieces: [1000]) == ["a", long, "b"])
    }

    @Test func theLastLineWithoutNewlineIsNotToldAndEmptyLinesAreDropped() throws {
        var splitter = LineSplitter()
        #expect(try splitter.append(Array("\n\na\n\nb".utf8)).map { String(decoding: $0, as: UTF8.self) } == ["a"])
        #expect(String(decoding: splitter.unfinished, as: UTF8.self) == "b")
    }

    @Test func aStreamWithoutNewlinesIsRefused() throws {
        var splitter = LineSplitter(limit: 10)
        _ = try splitter.append(Array(repeating: 1, count: 10))
        #expect(throws: LineSplitter.LineTooLong.self) { try splitter.append([1]) }
    }
}
