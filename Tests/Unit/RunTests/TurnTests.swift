import Experiment
import Fault
import Foundation
import Kubernetes
import Synchronization
import Testing

@testable import Run

/// Which experiments of one command may go on at the same time, and in which order they begin.
@Suite(.timeLimit(.minutes(1))) struct TurnTests {
    private static func experiment(_ name: String, fault: String = "podDelete: {}", workload: String? = nil, service: String? = nil) throws
        -> Experiment
    {
        let text = """
            apiVersion: aftershock/v1
            kind: Experiment
            metadata: {name: \(name)}
            spec:
              target:
                namespace: sql
                workload: deployment/\(workload ?? name)
                service: \(service ?? workload ?? name)
                login: {passwordFrom: {env: P}}
              fault: {\(fault)}
            """
        return try #require(ExperimentFile.parse(text, file: name, faults: FaultCatalog.standard.formats).first)
    }

    private static func claim(
        _ name: String, takes: Claim.Nodes = .only([]), reaches: Claim.Nodes = .only([]), workload: String? = nil, service: String? = nil
    ) throws -> Claim {
        Claim(target: try experiment(name, workload: workload, service: service).target, takes: takes, reaches: reaches)
    }

    private static func excludes(_ one: Claim, _ other: Claim) -> Bool {
        #expect(one.excludes(other) == other.excludes(one), "it goes both ways")
        return one.excludes(other)
    }

    @Test func oneServerIsForOneExperiment() throws {
        #expect(try Self.excludes(Self.claim("a", workload: "x"), Self.claim("b", workload: "x")))
        #expect(try Self.excludes(Self.claim("a", service: "x"), Self.claim("b", service: "x")))
        #expect(try !Self.excludes(Self.claim("a"), Self.claim("b")))
        // Pods of both are on one node, which nobody takes away.
        #expect(try !Self.excludes(Self.claim("a", reaches: .only(["n1"])), Self.claim("b", reaches: .only(["n1"]))))
    }

    @Test func aNodeIsTakenFromNobodyElse() throws {
        let taker = try Self.claim("a", takes: .only(["n1"]), reaches: .only(["n1", "n2"]))
        #expect(try Self.excludes(taker, Self.claim("b", reaches: .only(["n1"]))))
        #expect(try Self.excludes(taker, Self.claim("b", reaches: .only(["n1", "n3"]))))
        #expect(try !Self.excludes(taker, Self.claim("b", reaches: .only(["n3"]))))
        // The pod that the one has moved would be met by the fault of the other.
        #expect(try Self.excludes(taker, Self.claim("b", takes: .only(["n2"]), reaches: .only(["n2", "n3"]))))
        #expect(try !Self.excludes(taker, Self.claim("b", takes: .only(["n3"]), reaches: .only(["n3", "n4"]))))
        // Where it cannot be told, nothing goes on beside the loss of a node, and everything beside anything else.
        #expect(try Self.excludes(taker, Self.claim("b", reaches: .any)))
        #expect(try Self.excludes(Self.claim("a", takes: .any, reaches: .any), Self.claim("b", reaches: .only(["n3"]))))
        #expect(try !Self.excludes(Self.claim("a", reaches: .any), Self.claim("b", reaches: .any)))
    }

    @Test(arguments: [
        ("12345678", true), ("12345678x1", true), ("12345678x100", true), ("12345678x", true), ("123456789", false), ("1234567", false),
        ("12345678x1x1", false), ("12345678xa", false),
    ]) func aRunIsKnownByItsParts(id: String, isPart: Bool) {
        #expect(RunPart.isRun(id, in: "12345678") == isPart)
    }

    // MARK: Turns

    /// Experiments that take part as their runs do; what happens to each stands in the order in which it happens.
    private final class Course: Sendable {
        let order: SideBySide
        private let parts = Mutex<[String: RunPart]>([:])

        init(_ experiments: [Experiment], atMost most: Int, claims: [Claim] = []) async {
            let claims = Dictionary(uniqueKeysWithValues: claims.map { ($0.target.workload, $0) })
            order = SideBySide(atMost: most) { claims[$0.target.workload] ?? Claim(withoutNodes: $0) }
            for experiment in experiments {
                let part = await RunPart(
                    of: experiment, in: order, run: "12345678", count: experiments.count, origin: .init(startedAt: "2026-11-28T00:00:00Z"))
                parts.withLock { $0[experiment.name] = part }
            }
            await order.start()
        }

        func part(_ name: String) throws -> RunPart { try #require(parts.withLock { $0[name] }) }

        /// Passes the checks, and returns the turn.
        func turn(_ name: String) async throws -> SideBySide.Turn {
            let part = try part(name)
            try await part.awaitChecks()
            return try await part.awaitTurn()
        }

        func leave(_ name: String) async throws { try await part(name).leave() }
    }

    private static func experiments(_ names: String...) throws -> [Experiment] { try names.map { try experiment($0) } }

    @Test func disjointTargetsBeginTogether() async throws {
        let course = await Course(try Self.experiments("a", "b", "c"), atMost: 3)
        async let first = course.turn("a")
        async let second = course.turn("b")
        async let third = course.turn("c")
        #expect(try await [first, second, third] == Array(repeating: .begin(isLate: false), count: 3))
        #expect(await course.order.running == ["12345678x1", "12345678x2", "12345678x3"])
    }

    @Test func noMoreThanAllowedRunAtOnce() async throws {
        let course = await Course(try Self.experiments("a", "b", "c"), atMost: 2)
        async let first = course.turn("a")
        async let second = course.turn("b")
        async let third = course.turn("c")
        #expect(try await [first, second] == [.begin(isLate: false), .begin(isLate: false)])
        #expect(await course.order.running.count == 2)
        try await course.leave("b")
        #expect(try await third == .begin(isLate: true))
        #expect(await course.order.running == ["12345678x1", "12345678x3"])
    }

    /// Two on one server, and two on the node that the first takes away: what they exclude begins in the order of the files.
    @Test func whatExcludesEachOtherWaits() async throws {
        let all = try [
            Self.experiment("taker"), Self.experiment("neighbour"), Self.experiment("apart"), Self.experiment("again", workload: "taker"),
        ]
        let claims = try [
            Self.claim("taker", takes: .only(["n1"]), reaches: .only(["n1", "n2"])), Self.claim("neighbour", reaches: .only(["n1"])),
            Self.claim("apart", reaches: .only(["n3"])),
        ]
        let course = await Course(all, atMost: 4, claims: claims)
        #expect(try !course.part("taker").takesLockLate && course.part("again").takesLockLate)
        async let taker = course.turn("taker")
        async let neighbour = course.turn("neighbour")
        async let apart = course.turn("apart")
        async let again = course.turn("again")
        #expect(try await [taker, apart] == [.begin(isLate: false), .begin(isLate: false)])
        #expect(await course.order.running == ["12345678x1", "12345678x3"])
        try await course.leave("taker")
        #expect(try await neighbour == .begin(isLate: true))
        // It is the node's taker again, and the neighbour was before it.
        #expect(await course.order.running == ["12345678x2", "12345678x3"])
        try await course.leave("neighbour")
        #expect(try await again == .begin(isLate: true))
    }

    @Test func noneBeginsBeforeAllAreChecked() async throws {
        let course = await Course(try Self.experiments("a", "b", "c"), atMost: 2)
        async let first = course.turn("a")
        async let second = course.turn("b")
        // The checks of the third are not over: they fail.
        try await course.part("c").awaitChecks()
        #expect(await course.order.running.isEmpty)
        try await course.leave("c")
        #expect(try await [first, second] == [.refused(["c"]), .refused(["c"])])
        #expect(await course.order.running.isEmpty)
    }

    @Test func whoIsToldToStopWaitsNoLonger() async throws {
        let course = await Course(try [Self.experiment("a"), Self.experiment("b", workload: "a")], atMost: 2)
        async let first = course.turn("a")
        let second = Task { try await course.turn("b") }
        #expect(try await first == .begin(isLate: false))
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        try await course.leave("b")
        #expect(await course.order.running == ["12345678x1"])
    }
}
