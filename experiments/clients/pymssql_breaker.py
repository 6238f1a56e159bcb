"""pymssql with one held connection and a circuit breaker, as many services have one: after three failures in a row nothing is tried for a
while, and every operation fails at once. So the client stays dead when the server is back.

The pause is ten seconds, or the number of seconds in the first argument.
"""

import sys
import time

import pymssql

import operations

PAUSE = float(sys.argv[1]) if len(sys.argv) > 1 else 10
connection = None
failures = 0
closed_until = 0.0


def ask(number):
    global connection, failures, closed_until
    if time.monotonic() < closed_until:
        raise RuntimeError("the circuit breaker is open")
    try:
        if connection is None:
            connection = pymssql.connect(server=operations.HOST, port=operations.PORT, user=operations.USER, password=operations.PASSWORD,
                                         database=operations.DATABASE, login_timeout=2, timeout=2, autocommit=True)
        cursor = connection.cursor()
        cursor.execute("SELECT %d AS number", (number,))
        answer = cursor.fetchone()[0]
        failures = 0
        return answer
    except Exception:
        connection = None
        failures += 1
        if failures >= 3:
            closed_until = time.monotonic() + PAUSE
        raise


operations.run(ask)
