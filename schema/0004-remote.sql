-- What local senders sent to other domains and nobody there has acknowledged: messages, subscription presence.
CREATE TABLE remote_queue (
	remote    TEXT   NOT NULL,
	local     TEXT   NOT NULL, -- the domain of its sender
	id        BIGINT NOT NULL, -- microseconds since 1970; those of one sender rise
	worker    BIGINT NOT NULL, -- that gave the id
	run       BIGINT NOT NULL, -- of the server: when it was started, microseconds since 1970
	recipient TEXT   NOT NULL,
	stanza    TEXT   NOT NULL,
	PRIMARY KEY (remote, local, id, worker)
);
