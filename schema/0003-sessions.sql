-- Sessions that could be resumed (XEP-0198 5) when the server stopped: written at the end, read and deleted at the
-- next start.
CREATE TABLE sm_sessions (
	id        TEXT   NOT NULL PRIMARY KEY, -- as in <enabled id=''/>
	account   BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	resource  TEXT   NOT NULL,
	handled   BIGINT NOT NULL, -- h of what its client sent
	sent      BIGINT NOT NULL, -- stanzas to its client
	max_ms    BIGINT NOT NULL, -- so long it may be without connection
	until_us  BIGINT NOT NULL, -- or so long this time, in microseconds since 1970
	since_us  BIGINT NOT NULL, -- when its resource was bound
	presence  TEXT,            -- the available one in force
	directed  TEXT,            -- addresses that got directed presence, one a line
	lang      TEXT,
	source    TEXT,
	tls       TEXT,
	mechanism TEXT,
	states    TEXT             -- of modules, as XML
);
-- What their clients have not acknowledged, in its order.
CREATE TABLE sm_stanzas (
	session   TEXT   NOT NULL REFERENCES sm_sessions (id) ON DELETE CASCADE,
	seq       BIGINT NOT NULL,
	archive   BIGINT NOT NULL, -- id in the account's archive; 0: none; -1: a letter without
	sent_us   BIGINT NOT NULL,
	addressee TEXT,            -- "to", as it was written
	stanza    TEXT   NOT NULL,
	PRIMARY KEY (session, seq)
);
