#!/usr/bin/env python3
"""peers.py CLIENT WORK --port PORT --count N [--encrypted] [--ca FILE]

Does with another client for SQL Server what bench-client does, and prints the same line of JSON: how often, and the CPU time in seconds
that it took this process. CLIENT is pymssql, python-tds or mssql-python; WORK is login, query, rows or inserts.
"""
import argparse
import json
import time

PASSWORD = "Sandbox-1"


def pymssql_connect(arguments):
    import pymssql

    return pymssql.connect(
        server=arguments.host, port=arguments.port, user="sa", password=PASSWORD, database="master", autocommit=True,
        encryption="require" if arguments.encrypted else "off")


def pytds_connect(arguments):
    import pytds

    encrypted = {"cafile": arguments.ca, "validate_host": False} if arguments.encrypted else {}
    return pytds.connect(
        dsn=arguments.host, port=arguments.port, user="sa", password=PASSWORD, database="master", autocommit=True, **encrypted)


def mssql_python_connect(arguments):
    import mssql_python

    # A pool would keep the connection, and the next login would be none.
    mssql_python.pooling(enabled=False)
    encrypt = "yes" if arguments.encrypted else "no"
    return mssql_python.connect(
        f"Server={arguments.host},{arguments.port};Database=master;UID=sa;PWD={PASSWORD};Encrypt={encrypt};TrustServerCertificate=yes",
        autocommit=True)


# The function that connects, and the mark of a parameter.
CLIENTS = {
    "pymssql": (pymssql_connect, "%s"), "python-tds": (pytds_connect, "%s"), "mssql-python": (mssql_python_connect, "?"),
}


def ask(connection, mark, number):
    cursor = connection.cursor()
    cursor.execute(f"SELECT {mark} AS token, {mark} AS number", (f"bench-login-{number}", number))
    if cursor.fetchone()[1] != number:
        raise SystemExit("another answer than the right one")
    cursor.close()


def insert(connection, mark, number):
    cursor = connection.cursor()
    cursor.execute(
        f"INSERT INTO bench_inserts (token, number) VALUES ({mark}, {mark})", (f"bench-insert-{number}", number))
    if cursor.rowcount != 1:
        raise SystemExit("a row was not inserted")
    cursor.close()


def read(connection, count):
    seen = 0
    total = 0
    while seen < count:
        cursor = connection.cursor()
        cursor.execute("SELECT id, token, number FROM bench_rows")
        while rows := cursor.fetchmany(1000):
            for row in rows:
                seen += 1
                total += row[0] + len(row[1])
        cursor.close()


def measure(count, work, warm_up=None):
    (warm_up or (lambda: [work(number) for number in range(count // 5)]))()
    cpu, wall = time.process_time(), time.monotonic()
    if warm_up:
        work()
    else:
        for number in range(count):
            work(number)
    print(json.dumps({"count": count, "cpu": time.process_time() - cpu, "wall": time.monotonic() - wall}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=CLIENTS)
    parser.add_argument("work", choices=["login", "query", "rows", "inserts"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--encrypted", action="store_true")
    parser.add_argument("--ca")
    arguments = parser.parse_args()
    connect, mark = CLIENTS[arguments.client]
    count = arguments.count

    if arguments.work == "login":
        def login(number):
            connection = connect(arguments)
            ask(connection, mark, number)
            connection.close()

        measure(count, login)
        return
    connection = connect(arguments)
    if arguments.work == "query":
        measure(count, lambda number: ask(connection, mark, number))
    elif arguments.work == "inserts":
        measure(count, lambda number: insert(connection, mark, number))
    else:
        measure(count, lambda: read(connection, count), warm_up=lambda: read(connection, count))
    connection.close()


main()
