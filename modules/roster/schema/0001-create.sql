-- One row per contact, pending request or (for roster versioning) deleted item.
CREATE TABLE roster (
	account BIGINT  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	jid     TEXT    NOT NULL, -- bare JID of the contact
	name    TEXT,
	sub     INTEGER NOT NULL, -- 1: "to", 2: "from", 3: "both"
	flags   INTEGER NOT NULL, -- 1: asked, 2: request pending in, 4: approved, 8: an item of the roster
	groups_ TEXT,             -- names, each ended by U+001F
	ver     BIGINT  NOT NULL, -- of the roster, at this row's last change
	request TEXT,             -- the stanza of a pending request (RFC 6121 3.1.3)
	PRIMARY KEY (account, jid)
);
