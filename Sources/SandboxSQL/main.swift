print("sandbox-sql")
