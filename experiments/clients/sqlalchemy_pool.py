"""SQLAlchemy's pool over pymssql, with ("pre-ping") or without a ping of every connection before it is used.

Five connections are held from the start, so that the pool has stale ones to give out after the fault.
"""

import sqlalchemy

import operations

engine = sqlalchemy.create_engine(
    sqlalchemy.URL.create("mssql+pymssql", username=operations.USER, password=operations.PASSWORD, host=operations.HOST,
                          port=int(operations.PORT), database=operations.DATABASE),
    pool_size=5, max_overflow=0, pool_timeout=2, pool_pre_ping=operations.argument("pre-ping"),
    connect_args={"login_timeout": 2, "timeout": 2}, isolation_level="AUTOCOMMIT")
for connection in [engine.connect() for _ in range(5)]:
    connection.close()


def ask(number):
    with engine.connect() as connection:
        return connection.execute(sqlalchemy.text("SELECT :number AS number"), {"number": number}).scalar_one()


operations.run(ask)
