"""docs/sql/least-privilege.sql: it parses as T-SQL, and grants what the harness's statements need and no more."""

import pathlib
import re
import unittest

import pymssql

import server

TOP = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = TOP / "docs/sql/least-privilege.sql"
# The answer to a statement that SQL Server knows and the stand-in does not: it has one login, which may do everything.
KNOWN_ELSEWHERE = 40510
# The permission on the server that each statement of the harness needs. The owner of a database may do all in it.
# Source: https://learn.microsoft.com/sql/relational-databases/security/permissions-database-engine
NEEDS = {
    "CREATE DATABASE": "CREATE ANY DATABASE", "KILL": "ALTER ANY CONNECTION", "sys.dm_exec_sessions": "VIEW SERVER STATE",
    "sys.dm_db_log_stats": "VIEW SERVER STATE", "sys.dm_tran_database_transactions": "VIEW SERVER STATE",
    "sys.dm_server_services": "VIEW SERVER STATE",
    "DROP DATABASE": None, "DBCC CHECKDB": None, "CREATE TABLE": None, "CREATE CLUSTERED": None, "DROP TABLE": None, "INSERT INTO": None,
    # Everybody sees the names of databases, and tables of their own.
    "sys.databases": None, "sys.tables": None, "INFORMATION_SCHEMA.TABLES": None,
}
OBJECTS = re.compile(r"\b(?:sys\.\w+|INFORMATION_SCHEMA\.\w+)\b")
VERBS = re.compile(r'"\s*(KILL\b|(?:CREATE|DROP|ALTER|GRANT|DBCC|BACKUP|RESTORE|EXEC|EXECUTE|INSERT|SHUTDOWN|CHECKPOINT) [A-Z]+\b)')


def batches():
    text = SCRIPT.read_text().replace("$(password)", "Str0ng!Passw0rd")
    text = re.sub(r"^--.*$", "", text, flags=re.MULTILINE)
    return [batch.strip() for batch in re.split(r"^GO$", text, flags=re.MULTILINE) if batch.strip()]


def sent():
    """The kinds of statements and the views in the harness's sources."""
    found = set()
    for path in (TOP / "Sources/Harness").rglob("*.swift"):
        text = "\n".join(line for line in path.read_text().split("\n") if not line.lstrip().startswith("//"))
        if "import TDS" not in text and "Ledger" not in str(path):
            continue
        found |= set(OBJECTS.findall(text))
        found |= set(VERBS.findall(text))
    return found


class PermissionTests(unittest.TestCase):
    def test_every_statement_of_the_harness_is_provided_for(self):
        self.assertEqual(sorted(sent() - NEEDS.keys()), [], "add what it needs on the server, and to the script")
        self.assertEqual(sorted(NEEDS.keys() - sent()), [], "not sent any more")

    def test_the_script_grants_that_and_no_more(self):
        granted = re.findall(r"^GRANT (.+) TO aftershock;$", "\n".join(batches()), flags=re.MULTILINE)
        self.assertEqual(sorted(granted), sorted(set(NEEDS.values()) - {None}))

    def test_the_server_reads_it(self):
        with server.running() as one:
            connection = pymssql.connect(
                server=server.HOST, port=str(one.port), user="sa", password=server.PASSWORD, database="master", autocommit=True)
            cursor = connection.cursor()
            for batch in batches():
                with self.subTest(batch=batch):
                    try:
                        cursor.execute(batch)
                    except pymssql.Error as error:
                        self.assertEqual(error.args[0], KNOWN_ELSEWHERE, error.args)
            # A word that is no T-SQL is not known elsewhere.
            with self.assertRaises(pymssql.Error) as failure:
                cursor.execute("GRUNT VIEW SERVER STATE TO aftershock")
            self.assertNotEqual(failure.exception.args[0], KNOWN_ELSEWHERE)


if __name__ == "__main__":
    unittest.main()
