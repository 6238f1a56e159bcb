-- A login for Aftershock with no more than it needs. Run it once, as an administrator:
--
--     sqlcmd -S SERVER -U sa -C -b -v password="..." -i least-privilege.sql
--
-- The experiment then names the login, and where its password is:
--
--     login: {user: aftershock, passwordFrom: {secret: aftershock, key: password}}
--
-- Taken back with: DROP LOGIN aftershock;

USE master;
GO

CREATE LOGIN aftershock WITH PASSWORD = N'$(password)', DEFAULT_DATABASE = master;
GO

-- The ledger's database: the login creates it, owns it and drops it, so that it needs no rights on any other. Not needed where
-- ledger.createDatabase is false; the login then owns, or is a db_owner of, the database that ledger.database names.
GRANT CREATE ANY DATABASE TO aftershock;
GO

-- Whether a session of the writers is still at work after the fault. Without it the rows are read until two reads agree.
-- Also how much log spec.load has written, and whether the Agent runs: without it both are "not asked".
GRANT VIEW SERVER STATE TO aftershock;
GO

-- To end such a session.
GRANT ALTER ANY CONNECTION TO aftershock;
GO
