-- One row per message that waits for its account's next client.
CREATE TABLE offline (
	account   BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	seq       BIGINT NOT NULL, -- grows in the order of arrival
	stamp_us  BIGINT NOT NULL, -- of arrival
	bytes     BIGINT NOT NULL, -- of stanza, for the limit
	sid       TEXT   NOT NULL, -- stanza-id (XEP-0359), the same at each delivery
	addressee TEXT   NOT NULL, -- the "to" that it had
	stanza    TEXT   NOT NULL,
	PRIMARY KEY (account, seq)
);
