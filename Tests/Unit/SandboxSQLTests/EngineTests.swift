import Testing

@testable import SandboxSQL

@Suite struct EngineTests {
    private let fixture: EngineFixture
    private let session: Session

    init() throws {
        fixture = try EngineFixture()
        session = try fixture.session()
        session.run("CREATE DATABASE d")
        session.run("USE d")
        session.run(
            """
            CREATE TABLE dbo.t (id bigint NOT NULL PRIMARY KEY, name nvarchar(10) NULL, price decimal(10,2), at datetime2(3), code char(4), raw varbinary(4),
                guid uniqueidentifier, flag bit DEFAULT 1)
            """)
    }

    @Test func everyTypeComesBackAsItWasStored() {
        session.run(
            "INSERT INTO t VALUES (1, N'é😀', 1.255, '2026-11-21T09:30:15.1239', 'ab', 0x0102, '6F9619FF-8B86-D011-B42D-00C04FC964FF', 5)")
        #expect(
            session.rows("SELECT * FROM t") == [
                ["1", "é😀", "126", "2026-11-21 09:30:15.124", "ab  ", "0x0102", "6F9619FF-8B86-D011-B42D-00C04FC964FF", "1"]
            ])
        let types = session.run("SELECT * FROM t").sets[0].columns.map(\.type)
        #expect(
            types == [
                .bigint, .nvarchar(10), .decimal(precision: 10, scale: 2), .datetime2(scale: 3), .char(4), .varbinary(4), .uniqueidentifier,
                .bit,
            ])
    }

    @Test(arguments: [
        ("SELECT 7 / 2, 7 % 2, 7.0 / 2, 7e0 / 2, -7 / 2", ["3", "1", "3500000", "3.5", "-3"]),
        ("SELECT 1.5 + 2, 1.5 * 1.5, CAST(2.345 AS decimal(5,2)), SUM(x) FROM (VALUES (1), (2)) AS v(x)", ["35", "225", "235", "3"]),
        ("SELECT CAST(3.7 AS int), CAST('12' AS bigint), CAST(1 AS bit), CONVERT(varchar(10), 255)", ["3", "12", "1", "255"]),
        (
            "SELECT LEN('ab  '), DATALENGTH(N'ab'), UPPER('x'), SUBSTRING('hello', 2, 3), CHARINDEX('l', 'hello')",
            ["2", "4", "X", "ell", "3"]
        ),
        ("SELECT ISNULL(NULL, 'x'), COALESCE(NULL, NULL, 3), NULLIF(1, 1), IIF(1 = 2, 'a', 'b')", ["x", "3", "NULL", "b"]),
        ("SELECT CASE WHEN 'a' = 'A ' THEN 1 ELSE 0 END, CASE WHEN 'abc' LIKE 'A[b-c]_' THEN 1 ELSE 0 END", ["1", "1"]),
        ("SELECT DATEADD(month, 1, CAST('2026-01-31' AS date)), DATEDIFF(day, '2026-01-01', '2026-03-01')", ["2026-02-28", "59"]),
        (
            "SELECT CONVERT(varchar(30), CAST('2026-11-21 09:30:15.123' AS datetime), 126), CONVERT(char(8), CAST('2026-11-21' AS date), 112)",
            ["2026-11-21T09:30:15.123", "20261121"]
        ),
        (
            "SELECT CONVERT(varchar(10), 0x01FF, 1), CAST(256 AS binary(4)), 5 & 3, 5 | 3, 5 ^ 3, ~5",
            ["0x01FF", "0x00000100", "1", "7", "6", "-6"]
        ),
        ("SELECT (SELECT MAX(x) FROM (VALUES (3), (9)) AS v(x)), CASE WHEN 3 IN (SELECT 3) THEN 'in' END", ["9", "in"]),
        ("SELECT COUNT(*), COUNT_BIG(*), MIN(x), MAX(x), AVG(x) FROM (SELECT 1 AS x UNION ALL SELECT 4) AS u", ["2", "2", "1", "4", "2"]),
        ("SELECT HASHBYTES('SHA2_256', 'abc')", ["0xBA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"]),
        ("SELECT -9223372036854775808, '''', N'', 0x", ["-9223372036854775808", "'", "", "0x"]),
        ("SELECT CAST(CAST('2026-11-21 23:59:59.9999999' AS datetime2(7)) AS datetime2(0))", ["2026-11-22 00:00:00"]),
    ])
    func expressions(query: String, expected: [String]) {
        #expect(session.rows(query) == [expected], "\(query)")
    }

    @Test(
        arguments: [
            (102, "SELECT 1 +"), (102, "SELECT ]"), (105, "SELECT 'open"), (156, "SELECT FROM t"), (207, "SELECT nope FROM t"),
            (207, "INSERT INTO t (nope) VALUES (1)"), (208, "SELECT * FROM nope"), (208, "SELECT * FROM other.dbo.t"),
            (209, "SELECT id FROM t AS a, t AS b"),
            (4104, "SELECT x.id FROM t"), (137, "SELECT @nope"), (245, "SELECT CAST('x' AS int)"),
            (248, "SELECT CAST('99999999999' AS int)"),
            (8115, "SELECT 2147483647 + 1"), (8115, "SELECT CAST(1e30 AS bigint)"), (8134, "SELECT 1 / 0"), (8134, "SELECT 1 % 0"),
            (8134, "SELECT 1e0 / 0"),
            (241, "SELECT CAST('yesterday' AS date)"), (8169, "SELECT CAST('x' AS uniqueidentifier)"),
            (515, "INSERT INTO t (name) VALUES ('a')"),
            (2628, "INSERT INTO t (id, name) VALUES (1, N'01234567890')"), (220, "SELECT CAST(256 AS tinyint)"),
            (8120, "SELECT id, COUNT(*) FROM t"),
            (147, "SELECT id FROM t WHERE COUNT(*) > 1"), (4145, "SELECT 1 WHERE 1"),
            (257, "SELECT 0x01 + CAST('a' AS varbinary(1)) WHERE 'a' = 0x61"),
            (512, "SELECT (SELECT x FROM (VALUES (1), (2)) AS v(x))"), (116, "SELECT (SELECT 1, 2)"), (205, "SELECT 1 UNION SELECT 1, 2"),
            (109, "INSERT INTO t (id, name) VALUES (1)"), (110, "INSERT INTO t (id) VALUES (1, 2)"), (195, "SELECT NOSUCH(1)"),
            (2715, "DECLARE @x money"),
            (911, "USE nowhere"), (1801, "CREATE DATABASE D"), (2714, "CREATE TABLE t (a int)"), (3701, "DROP TABLE nope"),
            (3702, "DROP DATABASE d"),
            (3902, "COMMIT"), (3903, "ROLLBACK"), (2812, "EXEC sp_nope"), (40510, "MERGE t USING t AS u ON 1 = 1"),
            (40510, "ALTER TABLE t ADD x int"),
            (40510, "SELECT * INTO u FROM t"), (40510, "CREATE VIEW v AS SELECT 1"),
            (40510, "SELECT ROW_NUMBER() OVER (ORDER BY id) FROM t"),
            (40510, "WITH c AS (SELECT 1 AS x) SELECT * FROM c"), (40510, "CREATE TABLE #t (a int)"), (40510, "SET ANSI_NULLS OFF"),
            (40510, "SET DATEFORMAT dmy"), (195, "SET NOSUCH ON"), (40510, "UPDATE t SET name = 'x' FROM t JOIN t AS u ON t.id = u.id"),
            (40510, "SELECT * FROM t WITH (READPAST)"), (40510, "SELECT CAST(1 AS decimal(38,10))"), (259, "DELETE FROM sys.databases"),
            (108, "SELECT id FROM t ORDER BY 2"), (40510, "SELECT TOP 10 PERCENT id FROM t"),
            (10738, "INSERT INTO t (id) VALUES \(EngineTests.rows(1001))"),
        ] as [(Int32, String)])
    func whatIsWrongOrOutsideOfTheSubsetIsRefused(number: Int32, batch: String) {
        #expect(session.errors(batch) == [number], "\(batch.prefix(80))")
    }

    private static func rows(_ count: Int) -> String { (1...count).map { "(\($0))" }.joined(separator: ",") }

    @Test func aThousandRowsGoInAtOnce() {
        let sink = session.run("INSERT INTO t (id) VALUES \(EngineTests.rows(1000))")
        #expect(sink.ends.map(\.count) == [1000])
        #expect(session.rows("SELECT COUNT(*), MAX(id) FROM t") == [["1000", "1000"]])
    }

    @Test func keysAreKept() {
        session.run("CREATE UNIQUE INDEX ix ON t (name)")
        session.run("INSERT INTO t (id, name) VALUES (1, 'a')")
        let duplicate = session.run("INSERT INTO t (id, name) VALUES (2, 'b'), (1, 'c')")
        #expect(duplicate.errors.map(\.number) == [2627])
        #expect(session.errors("INSERT INTO t (id, name) VALUES (3, 'A ')") == [2601])
        #expect(session.rows("SELECT id FROM t") == [["1"]], "a statement that fails leaves nothing behind")
    }

    @Test func anErrorEndsTheStatementOrTheBatch() {
        session.run("INSERT INTO t (id) VALUES (1)")
        let sink = session.run("INSERT INTO t (id) VALUES (1); INSERT INTO t (id) VALUES (2)")
        #expect(sink.errors.map(\.number) == [2627])
        #expect(session.rows("SELECT COUNT(*) FROM t") == [["2"]], "2627 ends its statement only")
        session.run("SET XACT_ABORT ON; INSERT INTO t (id) VALUES (1); INSERT INTO t (id) VALUES (3)")
        #expect(session.rows("SELECT COUNT(*) FROM t") == [["2"]], "with XACT_ABORT it ends the batch")
        session.run("SELECT CAST('x' AS int); INSERT INTO t (id) VALUES (4)")
        #expect(session.rows("SELECT COUNT(*) FROM t") == [["2"]], "245 always does")
    }

    @Test func transactionsCommitAndRollBack() throws {
        let other = try fixture.session("d")
        defer { other.close() }
        let begun = session.run("BEGIN TRAN; INSERT INTO t (id) VALUES (1); SELECT @@TRANCOUNT")
        #expect(begun.sets.map(\.rows) == [[[.integer(1)]]])
        guard case .transactionBegun(let descriptor)? = begun.changes.first else {
            Issue.record("no transaction began")
            return
        }
        #expect(other.rows("SELECT COUNT(*) FROM t") == [["0"]], "others see nothing of it")
        #expect(session.run("ROLLBACK").changes == [.transactionRolledBack(descriptor)])
        session.run("BEGIN TRAN; BEGIN TRAN; INSERT INTO t (id) VALUES (2); COMMIT")
        #expect(other.rows("SELECT COUNT(*) FROM t") == [["0"]], "the inner COMMIT commits nothing")
        session.run("COMMIT")
        #expect(other.rows("SELECT id FROM t") == [["2"]])
    }

    @Test func aSecondWriterWaitsItsTurnOrGivesUp() throws {
        let other = try fixture.session("d")
        defer { other.close() }
        session.run("BEGIN TRAN; INSERT INTO t (id) VALUES (1)")
        #expect(other.errors("SET LOCK_TIMEOUT 30; INSERT INTO t (id) VALUES (2)") == [1222])
        session.run("COMMIT")
        #expect(other.errors("INSERT INTO t (id) VALUES (2)") == [])
    }

    @Test func conditionsVariablesAndNamesOfThreeParts() {
        let batch = """
            DECLARE @n int = 2, @text nvarchar(20);
            SET @text = N'n is ' + CAST(@n AS nvarchar(10));
            IF @n = 2 BEGIN PRINT @text; SELECT @n = COUNT(*) FROM d.dbo.t; END ELSE PRINT 'no';
            SELECT @n, DB_NAME(), @@ROWCOUNT
            """
        let sink = session.run("USE master; " + batch)
        #expect(sink.errors == [])
        #expect(sink.infos.map(\.message) == ["Changed database context to 'master'.", "n is 2"])
        #expect(sink.sets.map(\.rows) == [[[.integer(0), .text("master"), .integer(1)]]])
    }

    @Test func idempotentDefinitionsAsToolsWriteThem() {
        for _ in 0..<2 {
            #expect(session.errors("IF DB_ID(N'e') IS NULL CREATE DATABASE [e]") == [])
            #expect(
                session.errors(
                    "IF OBJECT_ID(N'e.dbo.u', N'U') IS NULL CREATE TABLE [e].[dbo].[u] ([id] int IDENTITY(5,5) PRIMARY KEY, [v] int)") == []
            )
        }
        session.run("INSERT INTO e.dbo.u (v) VALUES (1), (2)")
        #expect(session.rows("SELECT id, v FROM e..u ORDER BY id; ") == [["5", "1"], ["10", "2"]])
        #expect(session.rows("SELECT SCOPE_IDENTITY()") == [["10"]])
        #expect(session.rows("SELECT name FROM e.sys.tables") == [["u"]])
        #expect(session.rows("SELECT name FROM sys.databases WHERE database_id > 4 ORDER BY name") == [["d"], ["e"]])
    }

    @Test func checksAndForeignKeys() {
        session.run("CREATE TABLE p (id int PRIMARY KEY, n int CHECK (n > 0))")
        session.run("CREATE TABLE c (p int REFERENCES p (id))")
        #expect(session.errors("INSERT INTO p VALUES (1, 0)") == [547])
        #expect(session.errors("INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (2)") == [547])
        #expect(session.errors("INSERT INTO c VALUES (1); DELETE FROM p") == [547])
    }

    @Test func orderLimitsAndJoins() {
        session.run("INSERT INTO t (id, name) VALUES (1, 'b'), (2, 'A'), (3, 'c'), (4, NULL)")
        #expect(session.rows("SELECT TOP (2) id FROM t ORDER BY name DESC") == [["3"], ["1"]])
        #expect(session.rows("SELECT id FROM t ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY") == [["2"], ["3"]])
        #expect(
            session.rows("SELECT a.id, b.name FROM t AS a LEFT JOIN t AS b ON b.id = a.id + 3 ORDER BY 1") == [
                ["1", "NULL"], ["2", "NULL"], ["3", "NULL"], ["4", "NULL"],
            ])
        #expect(
            session.rows("SELECT name AS n, COUNT(*) AS c FROM t WHERE name IS NOT NULL GROUP BY name HAVING COUNT(*) = 1 ORDER BY n") == [
                ["A", "1"], ["b", "1"], ["c", "1"],
            ])
        #expect(session.run("UPDATE t SET name = name + 'x' WHERE id BETWEEN 1 AND 2").ends.map(\.count) == [2])
        #expect(session.run("DELETE TOP (1) FROM t WHERE id > 2").ends.map(\.count) == [1])
    }

    /// As in the image: the Agent is there, and off until it is asked for.
    @Test(arguments: [true, false]) func theAgentRunsWhereItIsEnabled(hasAgent: Bool) throws {
        let fixture = try EngineFixture(hasAgent: hasAgent)
        let question = "SELECT status_desc FROM sys.dm_server_services WHERE servicename LIKE N'SQL Server Agent%'"
        #expect(try fixture.session().rows(question) == [[hasAgent ? "Running" : "Stopped"]])
        let memory = try fixture.session().rows("SELECT committed_target_kb, physical_memory_kb FROM sys.dm_os_sys_info")
        #expect(memory.first?.allSatisfy { (Int($0) ?? 0) > 0 } == true)
    }

    @Test func databaseCheckFindsNothingInAGoodDatabase() {
        session.run("INSERT INTO t (id) VALUES (1)")
        let sink = session.run("DBCC CHECKDB ('d')")
        #expect(sink.errors == [])
        #expect(sink.infos.contains { $0.message.contains("0 consistency errors") })
        #expect(session.run("DBCC CHECKDB WITH NO_INFOMSGS").infos.isEmpty)
    }

    @Test func deepNestingIsAnErrorAndNotACrash() {
        let deep = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
        #expect(session.errors("SELECT \(deep)") == [191])
        #expect(session.errors("SELECT 1" + String(repeating: " + 1", count: 50_000)) == [191])
    }
}
