-- Local accounts.  A password is kept as SCRAM verifiers only (RFC 5802): text as in
-- SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>; NULL: none for that hash.
-- [sqlite]
CREATE TABLE accounts (
	id            INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice
	host          TEXT NOT NULL,
	name          TEXT NOT NULL, -- localpart, prepared as RFC 7622 3.3 says
	created_us    BIGINT NOT NULL,
	scram_sha_1   TEXT,
	scram_sha_256 TEXT,
	scram_sha_512 TEXT,
	UNIQUE (host, name)
);
-- [postgresql]
CREATE TABLE accounts (
	id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	host          TEXT NOT NULL,
	name          TEXT NOT NULL,
	created_us    BIGINT NOT NULL,
	scram_sha_1   TEXT,
	scram_sha_256 TEXT,
	scram_sha_512 TEXT,
	UNIQUE (host, name)
);
-- [all]
-- Random secrets of this installation, made when they are first needed.
CREATE TABLE secrets (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL -- hexadecimal
);
