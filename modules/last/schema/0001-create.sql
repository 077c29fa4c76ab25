-- One row per account that has logged out once.
CREATE TABLE last_activity (
	account BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
	seen    BIGINT NOT NULL, -- end of its last session, in microseconds since 1970
	status  TEXT             -- of its last unavailable presence
);
