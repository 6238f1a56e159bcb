"""Microsoft's mssql-python with its own connection pool: a connection is taken from the pool for each operation, and given back."""

import mssql_python

import operations

mssql_python.pooling(max_size=10, idle_timeout=600)
WAY = (f"Server={operations.HOST},{operations.PORT};Database={operations.DATABASE};UID={operations.USER};PWD={{{operations.PASSWORD}}};"
       f"Encrypt=yes;TrustServerCertificate={operations.TRUST}")


def ask(number):
    with mssql_python.connect(WAY, timeout=2) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT ? AS number", (number,))
        return cursor.fetchone()[0]


operations.run(ask)
