import JSON
import SandboxFixtures
import Testing

@testable import SandboxStore

@Suite struct ObjectWatchTests {
    /// The next events of a watch, as `ADDED a`.
    private func next(_ count: Int, of watch: ObjectWatch) async throws -> [String] {
        var events: [String] = []
        let iterator = watch.makeAsyncIterator()
        for _ in 0..<count {
            guard let event = try await iterator.next() else { break }
            events.append("\(event.kind.rawValue) \(event.object.name)")
        }
        return events
    }

    @Test func itBeginsWithWhatIsThere() async throws {
        let store = try ObjectStore.testing()
        try store.createConfigMap("a")
        let watch = try store.watch(.configMaps)
        try store.createConfigMap("b")
        try store.delete(.configMap("a"))
        #expect(try await next(3, of: watch) == ["ADDED a", "ADDED b", "DELETED a"])
    }

    @Test func itGoesOnFromAVersion() async throws {
        let store = try ObjectStore.testing()
        try store.createConfigMap("a")
        let version = store.revision
        try store.createConfigMap("b")
        try store.modify(.configMap("a")) { $0["data"] = [:] }
        #expect(try await next(2, of: try store.watch(.configMaps, from: version)) == ["ADDED b", "MODIFIED a"])
    }

    @Test func itWaitsForWhatComes() async throws {
        let store = try ObjectStore.testing()
        let watch = try store.watch(.configMaps)
        async let events = next(1, of: watch)
        try store.createConfigMap("a")
        #expect(try await events == ["ADDED a"])
    }

    @Test func movingIntoAndOutOfTheFilterShows() async throws {
        let store = try ObjectStore.testing()
        try store.createPod("a")
        let watch = try store.watch(.pods, ObjectFilter(fields: FieldSelector(nodeName: "node-1")))
        try store.transaction { state throws(APIError) in _ = try state.bind(.pod("a"), to: "node-1") }
        try store.modify(.pod("a")) { $0[path: "status", "phase"] = "Running" }
        #expect(try await next(2, of: watch) == ["ADDED a", "MODIFIED a"])

        try store.createConfigMap("x")
        let labelled = try store.watch(.configMaps, try ObjectFilter(labels: LabelSelector(parsing: "!gone")))
        try store.modify(.configMap("x")) { $0[path: "metadata", "labels"] = ["gone": "yes"] }
        #expect(try await next(2, of: labelled) == ["ADDED x", "DELETED x"])
    }

    @Test func aVersionBeforeTheWindowIsGone() throws {
        let store = try ObjectStore.testing(windowCapacity: 4)
        try store.createConfigMap("a")
        let version = store.revision
        for value in 0..<8 { try store.modify(.configMap("a")) { $0["data"] = ["a": .string(String(value))] } }
        let error = #expect(throws: APIError.self) { _ = try store.watch(.configMaps, from: version) }
        #expect(error?.code == 410)
        #expect(error?.reason == "Expired")
    }

    @Test func aSlowReaderIsToldToStartAgain() async throws {
        let store = try ObjectStore.testing(windowCapacity: 4)
        try store.createConfigMap("a")
        let watch = try store.watch(.configMaps, from: store.revision)
        for value in 0..<8 { try store.modify(.configMap("a")) { $0["data"] = ["a": .string(String(value))] } }
        let error = await #expect(throws: APIError.self) { _ = try await watch.makeAsyncIterator().next() }
        #expect(error?.code == 410)
    }

    @Test func aVersionFromTheFutureIsRefused() throws {
        let store = try ObjectStore.testing()
        let error = #expect(throws: APIError.self) { _ = try store.watch(.pods, from: store.revision + 1) }
        #expect(error?.code == 504)
    }

    @Test func aBookmarkComesAfterAllEvents() async throws {
        let store = try ObjectStore.testing()
        let watch = try store.watch(.configMaps)
        watch.requestBookmark()
        try store.createConfigMap("a")
        #expect(try await next(2, of: watch) == ["ADDED a", "BOOKMARK "])
    }

    @Test func aFinishedWatchEnds() async throws {
        let store = try ObjectStore.testing()
        let watch = try store.watch(.configMaps)
        async let events = next(1, of: watch)
        watch.finish()
        #expect(try await events == [])
    }

    @Test func aCancelledReaderEnds() async throws {
        let store = try ObjectStore.testing()
        let watch = try store.watch(.configMaps)
        let task = Task { try await next(1, of: watch) }
        task.cancel()
        #expect(try await task.value == [])
    }

    @Test func everyReaderSeesEveryEventInOrder() async throws {
        let store = try ObjectStore.testing()
        let count = 200
        let watches = try (0..<4).map { _ in try store.watch(.configMaps) }
        let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for watch in watches {
                group.addTask {
                    var revisions: [Int64] = []
                    for try await event in watch {
                        revisions.append(event.revision)
                        if revisions.count == count { break }
                    }
                    return revisions
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { writers in
                for writer in 0..<4 {
                    writers.addTask { for index in 0..<count / 4 { try store.createConfigMap("w\(writer)-\(index)") } }
                }
                try await writers.waitForAll()
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(seen.count == 4)
        for revisions in seen {
            #expect(revisions.count == count)
            #expect(revisions == revisions.sorted())
        }
    }
}
