import Journal
import NIOCore
import TDS

/// Asks the server about its databases and its engine. Records a question that it does not answer as unanswered.
struct EngineQuestions: Sendable {
    let server: TDSConfiguration
    let eventLoop: any EventLoop

    /// The timeout of one statement.
    private static let timeout = Duration.seconds(10)
    /// The timeout for databases that are still being recovered.
    private static let recoveryTimeout = Duration.seconds(60)
    /// The timeout for a SQL Server Agent that ran before: it starts after the databases are open.
    private static let agentTimeout = Duration.seconds(5)
    private static let pause = Duration.milliseconds(500)

    func ask(_ moment: Snapshot.Moment) async -> EngineState {
        var state = EngineState(moment: moment)
        var patient = server
        patient.deadlines = .init(each: .seconds(5))
        let connection: TDSConnection
        do throws(TDSError) {
            connection = try await TDSConnection.connect(patient, on: eventLoop)
        } catch {
            state.notAsked["databases"] = "the server was not reached: \(error)"
            return state
        }
        state.serverName = await text("SELECT @@SERVERNAME", "serverName", connection, &state)
        state.version = await text(
            "SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion'))", "version", connection, &state)
        state.edition = await text("SELECT CONVERT(nvarchar(128), SERVERPROPERTY('Edition'))", "edition", connection, &state)
        state.agent = await text(
            "SELECT status_desc FROM sys.dm_server_services WHERE servicename LIKE N'SQL Server Agent%'", "agent", connection, &state)
        state.databases = await databases(connection, &state)
        state.certificate = await connection.certificateFingerprint()
        if state.certificate == nil { state.notAsked["certificate"] = "the connection is not encrypted after the login" }
        await connection.close()
        return state
    }

    /// Asks again while a known database is being recovered, or an Agent that ran before is starting: neither is damage.
    func ask(_ moment: Snapshot.Moment, asBefore before: EngineState, clock: RunClock) async -> EngineState {
        let deadline = clock.now + Self.recoveryTimeout
        let agentDeadline = clock.now + Self.agentTimeout
        let known = Set((before.databases ?? []).map(\.name))
        while true {
            let state = await ask(moment)
            let recovers = state.databases?.contains { known.contains($0.name) && ["RECOVERING", "RECOVERY_PENDING"].contains($0.state) }
            let starts = before.hasRunningAgent && state.agent != nil && !state.hasRunningAgent && clock.now < agentDeadline
            guard recovers == true || starts, clock.now < deadline, (try? await clock.sleep(until: clock.now + Self.pause)) != nil else {
                return state
            }
        }
    }

    private func databases(_ connection: TDSConnection, _ state: inout EngineState) async -> [EngineState.Database]? {
        do throws(TDSError) {
            let answer = try await connection.query("SELECT name, state_desc FROM sys.databases ORDER BY name", timeout: Self.timeout)
            let found = answer.rows.compactMap { row -> EngineState.Database? in
                guard let values = try? row.values(), values.count == 2, let name = values[0].string, let state = values[1].string else {
                    return nil
                }
                return EngineState.Database(name: name, state: state)
            }
            guard found.isEmpty || found.count != answer.rows.count else { return found }
            state.notAsked["databases"] = "the answer cannot be read"
        } catch {
            state.notAsked["databases"] = "\(error)"
        }
        return nil
    }

    private func text(
        _ statement: String, _ field: String, _ connection: TDSConnection, _ state: inout EngineState
    ) async -> String? {
        do throws(TDSError) {
            let answer = try await connection.query(statement, timeout: Self.timeout)
            if let value = (try? answer.rows.first?.values().first?.string) ?? nil { return value }
            state.notAsked[field] = "the server does not say"
        } catch {
            state.notAsked[field] = "\(error)"
        }
        return nil
    }
}
