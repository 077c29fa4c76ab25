-- One row per blocked address.
CREATE TABLE blocking (
	account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	jid     TEXT   NOT NULL, -- normalised; of any of the four forms of XEP-0191 6
	PRIMARY KEY (account, jid)
);
