-- What clients keep on the server, one row per account and namespace.
CREATE TABLE private (
	account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	ns      TEXT   NOT NULL,
	xml     TEXT   NOT NULL, -- the elements stored under ns, in their order
	PRIMARY KEY (account, ns)
);
