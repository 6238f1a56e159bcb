"""Drives sandbox-sql with the clients people use: FreeTDS's tsql, pymssql and Microsoft's mssql-python."""

import decimal
import os
import subprocess
import tempfile
import time
import unittest

import mssql_python
import pymssql

import server

TEXTS = ["plain", "", "O'Brien", "naïve café", "Ελληνικά", "日本語", "😀 astral", None]


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.context = server.running()
        cls.server = cls.context.__enter__()
        with cls.pymssql() as connection:
            connection.autocommit(True)
            connection.cursor().execute("IF DB_ID(N'clients') IS NULL CREATE DATABASE [clients]")

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)

    @classmethod
    def pymssql(cls, **options):
        return pymssql.connect(**{"server": server.HOST, "port": str(cls.server.port), "user": "sa", "password": server.PASSWORD,
                                  "database": "master", "login_timeout": 10, **options})

    @classmethod
    def microsoft(cls, database="clients", password=server.PASSWORD, encrypt="yes", **options):
        return mssql_python.connect(
            f"Server={server.HOST},{cls.server.port};Database={database};UID=sa;PWD={password};Encrypt={encrypt};TrustServerCertificate=yes",
            **options)

    def tsql(self, sql, password=server.PASSWORD, encryption="request"):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
            configuration.write(f"[sandbox]\nhost = {server.HOST}\nport = {self.server.port}\ntds version = 7.4\n"
                                f"encryption = {encryption}\nclient charset = UTF-8\n")
            configuration.flush()
            return subprocess.run(["tsql", "-S", "sandbox", "-U", "sa", "-P", password], input=sql + "\ngo\nexit\n", text=True,
                                  capture_output=True, timeout=60, env=dict(os.environ, FREETDSCONF=configuration.name))

    # FreeTDS

    def test_tsql_logs_in_with_every_encryption(self):
        for encryption in ["off", "request", "require"]:
            result = self.tsql("select 6 * 7 as answer, N'日本語' as text", encryption=encryption)
            self.assertIn("42\t日本語", result.stdout, f"{encryption}: {result.stdout}{result.stderr}")

    def test_tsql_is_refused_with_a_wrong_password(self):
        result = self.tsql("select 1", password="wrong")
        self.assertIn("18456", result.stdout + result.stderr)
        self.assertNotEqual(result.returncode, 0)

    # pymssql

    def table(self, cursor, name):
        cursor.execute("USE [clients]")
        cursor.execute(f"DROP TABLE IF EXISTS dbo.{name}")
        cursor.execute(f"CREATE TABLE dbo.{name} (id bigint NOT NULL PRIMARY KEY, text nvarchar(100) NULL, bytes varbinary(max) NULL, "
                       "at datetime2(7) NULL, amount decimal(10, 2) NULL, ratio float NULL)")

    def test_pymssql_reads_back_5000_rows(self):
        with self.pymssql() as connection:
            cursor = connection.cursor()
            connection.autocommit(True)
            self.table(cursor, "pymssql_rows")
            connection.autocommit(False)
            expected = [(n, TEXTS[n % len(TEXTS)], None if n % 3 == 0 else bytes([n % 256, 0, 255]), decimal.Decimal(n) / 100, n / 8)
                        for n in range(5000)]
            cursor.executemany("INSERT INTO dbo.pymssql_rows (id, text, bytes, amount, ratio) VALUES (%s, %s, %s, %s, %s)", expected)
            connection.commit()
            cursor.execute("SELECT id, text, bytes, amount, ratio FROM dbo.pymssql_rows ORDER BY id")
            self.assertEqual([tuple(row) for row in cursor], expected)

    def test_pymssql_rolls_back(self):
        with self.pymssql() as connection:
            cursor = connection.cursor()
            connection.autocommit(True)
            self.table(cursor, "pymssql_rollback")
            connection.autocommit(False)
            cursor.execute("INSERT INTO dbo.pymssql_rollback (id) VALUES (1)")
            connection.commit()
            cursor.execute("INSERT INTO dbo.pymssql_rollback (id) VALUES (2)")
            cursor.execute("SELECT COUNT(*) FROM dbo.pymssql_rollback")
            self.assertEqual(cursor.fetchone()[0], 2)
            connection.rollback()
            cursor.execute("SELECT id FROM dbo.pymssql_rollback")
            self.assertEqual(cursor.fetchall(), [(1,)])

    def test_pymssql_sees_the_numbers_of_errors(self):
        cases = {
            102: "SELECT 1 +", 156: "SELECT FROM t", 207: "SELECT nope FROM dbo.pymssql_errors", 208: "SELECT * FROM dbo.nope",
            245: "SELECT CAST('x' AS int)", 515: "INSERT INTO dbo.pymssql_errors (text) VALUES ('a')",
            2627: "INSERT INTO dbo.pymssql_errors (id) VALUES (1), (1)", 2628: "INSERT INTO dbo.pymssql_errors (id, text) VALUES (9, REPLICATE('x', 101))",
            547: "INSERT INTO dbo.pymssql_child (parent) VALUES (77)", 911: "USE nowhere", 1801: "CREATE DATABASE clients",
            2714: "CREATE TABLE dbo.pymssql_errors (a int)", 3701: "DROP TABLE dbo.nope", 8134: "SELECT 1 / 0", 8115: "SELECT 2147483647 + 1",
            40510: "MERGE INTO dbo.t USING dbo.u ON 1 = 1",
        }
        with self.pymssql() as connection:
            connection.autocommit(True)
            cursor = connection.cursor()
            cursor.execute("USE [clients]")
            cursor.execute("DROP TABLE IF EXISTS dbo.pymssql_child")
            self.table(cursor, "pymssql_errors")
            cursor.execute("CREATE TABLE dbo.pymssql_child (parent bigint REFERENCES dbo.pymssql_errors (id))")
            for number, sql in cases.items():
                with self.subTest(sql), self.assertRaises(pymssql.Error) as caught:
                    cursor.execute(sql)
                    cursor.fetchall()
                self.assertEqual(caught.exception.args[0], number, sql)

    def test_pymssql_is_refused(self):
        with self.assertRaises(pymssql.OperationalError) as caught:
            self.pymssql(password="wrong")
        self.assertIn("Login failed for user 'sa'", str(caught.exception))
        with self.assertRaises(pymssql.OperationalError) as caught:
            self.pymssql(database="nowhere")
        self.assertIn("18456", str(caught.exception))

    # mssql-python, which brings Microsoft's own driver

    def test_microsoft_logs_in_encrypted_and_not(self):
        for encrypt in ["yes", "no"]:
            with self.microsoft(encrypt=encrypt) as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT @@VERSION, DB_NAME(), SUSER_SNAME(), SERVERPROPERTY('ProductVersion')")
                version, database, login, number = cursor.fetchone()
                self.assertTrue(version.startswith("Microsoft SQL Server"))
                self.assertEqual((database, login), ("clients", "sa"))
                self.assertRegex(number, r"^\d+\.\d+\.\d+")

    def test_microsoft_is_refused(self):
        with self.assertRaisesRegex(Exception, "Login failed for user 'sa'"):
            self.microsoft(password="wrong")
        # The driver shows the more severe of the two errors, which is 18456.
        with self.assertRaisesRegex(Exception, "Login failed for user 'sa'|Cannot open database"):
            self.microsoft(database="nowhere")

    def test_microsoft_inserts_with_parameters_and_reads_back_5000_rows(self):
        with self.microsoft(autocommit=True) as connection:
            cursor = connection.cursor()
            self.table(cursor, "microsoft_rows")
            expected = [(n, TEXTS[n % len(TEXTS)], bytes([n % 256, 0, 255]) * (n % 4), n / 8) for n in range(5000)]
            for row in expected[:200]:
                cursor.execute("INSERT INTO dbo.microsoft_rows (id, text, bytes, ratio) VALUES (?, ?, ?, ?)", row)
            connection.autocommit = False
            for row in expected[200:]:
                cursor.execute("INSERT INTO dbo.microsoft_rows (id, text, bytes, ratio) VALUES (?, ?, ?, ?)", row)
            connection.commit()
            cursor.execute("SELECT id, text, bytes, ratio FROM dbo.microsoft_rows ORDER BY id")
            self.assertEqual([tuple(row) for row in cursor.fetchall()], expected)

    def test_microsoft_rolls_back(self):
        with self.microsoft(autocommit=True) as connection:
            cursor = connection.cursor()
            self.table(cursor, "microsoft_rollback")
            connection.autocommit = False
            cursor.execute("INSERT INTO dbo.microsoft_rollback (id) VALUES (?)", (1,))
            connection.commit()
            cursor.execute("INSERT INTO dbo.microsoft_rollback (id) VALUES (?)", (2,))
            connection.rollback()
            cursor.execute("SELECT id FROM dbo.microsoft_rollback")
            self.assertEqual([tuple(row) for row in cursor.fetchall()], [(1,)])

    def test_microsoft_cancels_by_timeout(self):
        with self.microsoft(autocommit=True) as connection:
            connection.timeout = 1
            cursor = connection.cursor()
            begun = time.monotonic()
            with self.assertRaises(Exception):
                cursor.execute("WAITFOR DELAY '00:00:30'")
            self.assertLess(time.monotonic() - begun, 20)
            cursor.execute("SELECT 1")
            self.assertEqual(cursor.fetchone()[0], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
