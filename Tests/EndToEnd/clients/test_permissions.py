"""docs/sql/least-privilege.sql: its login may do what the harness's statements need and no more, and a run with it passes."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import pymssql

import server

TOP = pathlib.Path(__file__).resolve().parents[3]
SCRIPT = TOP / "docs/sql/least-privilege.sql"
AFTERSHOCK = os.environ.get("AFTERSHOCK", str(TOP / ".build/debug/aftershock"))
LOGIN = "aftershock"
# The permission on the server that each statement of the harness needs. The owner of a database may do all in it.
# Source: https://learn.microsoft.com/sql/relational-databases/security/permissions-database-engine
NEEDS = {
    "CREATE DATABASE": "CREATE ANY DATABASE", "KILL": "ALTER ANY CONNECTION", "sys.dm_exec_sessions": "VIEW SERVER STATE",
    "sys.dm_db_log_stats": "VIEW SERVER STATE", "sys.dm_tran_database_transactions": "VIEW SERVER STATE",
    "sys.dm_server_services": "VIEW SERVER STATE", "sys.dm_os_sys_info": "VIEW SERVER STATE",
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

    def test_the_login_may_do_that_and_no_more(self):
        with server.running() as one:
            make_login(server.HOST, one.port, server.PASSWORD)
            with connect(server.HOST, one.port, "sa", server.PASSWORD) as administrator:
                for statement in ["CREATE DATABASE payroll", "CREATE TABLE master.dbo.secrets (id int)"]:
                    administrator.execute(statement)
            with connect(server.HOST, one.port, LOGIN, server.PASSWORD) as cursor:
                for statement in [
                        "CREATE DATABASE ledger", "CREATE TABLE ledger.dbo.t (id int)", "INSERT INTO ledger.dbo.t VALUES (1)",
                        "DBCC CHECKDB (ledger) WITH NO_INFOMSGS", "SELECT * FROM sys.databases", "SELECT * FROM sys.dm_os_sys_info"]:
                    cursor.execute(statement)
                cursor.execute("SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE'), IS_SRVROLEMEMBER('sysadmin'), USER_NAME()")
                self.assertEqual(cursor.fetchone(), (1, 0, "guest"))
                for statement, number in [
                        ("SELECT * FROM payroll.sys.tables", 916), ("USE payroll", 916), ("DBCC CHECKDB (payroll)", 916),
                        ("SELECT * FROM master.dbo.secrets", 229), ("CREATE TABLE master.dbo.t (id int)", 262),
                        ("DROP DATABASE payroll", 3701), ("CREATE LOGIN friend WITH PASSWORD = 'Str0ng!Passw0rd'", 15247),
                        ("GRANT VIEW SERVER STATE TO aftershock", 15247), ("SHUTDOWN", 6004)]:
                    with self.subTest(statement=statement), self.assertRaises(pymssql.Error) as failure:
                        cursor.execute(statement)
                    self.assertEqual(failure.exception.args[0], number, failure.exception.args)
            with self.assertRaises(pymssql.Error) as failure, connect(server.HOST, one.port, LOGIN, server.PASSWORD, database="payroll"):
                pass
            self.assertIn("18456", str(failure.exception))
            with connect(server.HOST, one.port, "sa", server.PASSWORD) as administrator:
                with self.assertRaises(pymssql.Error) as failure:
                    administrator.execute("DROP LOGIN aftershock")
                self.assertEqual(failure.exception.args[0], 15174, "it owns a database")
                for statement in ["REVOKE CREATE ANY DATABASE FROM aftershock", "DROP DATABASE ledger", "DROP LOGIN aftershock"]:
                    administrator.execute(statement)
            with self.assertRaises(pymssql.Error) as failure, connect(server.HOST, one.port, LOGIN, server.PASSWORD):
                pass
            self.assertIn("18456", str(failure.exception))

    def test_a_run_needs_no_more(self):
        with tempfile.TemporaryDirectory() as folder, sandbox(folder) as (host, port, password):
            make_login(host, port, password)
            experiment = (TOP / "experiments/process-kill.yaml").read_text()
            experiment = re.sub(r"login: {user.*}", f"login: {{user: {LOGIN}, passwordFrom: {{env: LEDGER_PASSWORD}}}}", experiment)
            experiment = experiment.replace("steadyFor: 5s", "steadyFor: 2s").replace("stableFor: 5s", "stableFor: 2s")
            experiment = experiment.replace("spec:\n", "spec:\n  load: {dirty: 1MiB}\n", 1)
            pathlib.Path(folder, "run.yaml").write_text(experiment)
            run = subprocess.run(
                [AFTERSHOCK, "run", f"{folder}/run.yaml", "--kubeconfig", f"{folder}/config", "--reports", f"{folder}/reports",
                 "--confirm-context=aftershock-sandbox"],
                env=dict(os.environ, LEDGER_PASSWORD=server.PASSWORD), capture_output=True, text=True, timeout=120)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            repeat = json.loads(pathlib.Path(folder, "reports/results.json").read_text())["experiments"][0]["repeats"][0]
            self.assertGreater(repeat["ledger"]["acknowledged"], 0)
            self.assertGreater(repeat["debt"]["logBytes"], 0, "VIEW SERVER STATE")
            with connect(host, port, LOGIN, server.PASSWORD) as cursor:
                cursor.execute("SELECT name FROM sys.databases WHERE database_id > 4")
                self.assertEqual(cursor.fetchall(), [], "the run's own database is gone")

            # The grants of the script are needed.
            with connect(host, port, "sa", password) as administrator:
                administrator.execute("REVOKE CREATE ANY DATABASE FROM aftershock")
            run = subprocess.run(
                [AFTERSHOCK, "run", f"{folder}/run.yaml", "--kubeconfig", f"{folder}/config", "--reports", f"{folder}/refused",
                 "--confirm-context=aftershock-sandbox"],
                env=dict(os.environ, LEDGER_PASSWORD=server.PASSWORD), capture_output=True, text=True, timeout=120)
            self.assertEqual(run.returncode, 4, run.stdout + run.stderr)
            self.assertIn("CREATE DATABASE permission denied", run.stdout + run.stderr)


@contextlib.contextmanager
def connect(host, port, user, password, database="master"):
    connection = pymssql.connect(server=host, port=str(port), user=user, password=password, database=database, autocommit=True)
    try:
        yield connection.cursor()
    finally:
        connection.close()


def make_login(host, port, password):
    with connect(host, port, "sa", password) as cursor:
        for batch in batches():
            cursor.execute(batch)


@contextlib.contextmanager
def sandbox(folder):
    """An embedded cluster with the example's server: the address of its Service, and sa's password."""
    manifest = TOP / "experiments/targets/azure-sql-edge.yaml"
    process = subprocess.Popen(
        [AFTERSHOCK, "sandbox", "--apply", manifest, "--kubeconfig-out", f"{folder}/config"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    try:
        process.stdout.readline()
        until = time.monotonic() + 60
        while True:
            plan = subprocess.run(
                [AFTERSHOCK, "plan", TOP / "experiments/control.yaml", "--kubeconfig", f"{folder}/config",
                 "--confirm-context=aftershock-sandbox"], capture_output=True, text=True, timeout=60)
            if plan.returncode == 0:
                break
            assert time.monotonic() < until, plan.stdout + plan.stderr
        host, port = re.search(r"address (\S+):(\d+)", plan.stdout).groups()
        yield host, int(port), re.search(r"MSSQL_SA_PASSWORD: (\S+)", manifest.read_text()).group(1)
    finally:
        process.terminate()
        process.communicate()


if __name__ == "__main__":
    unittest.main()
