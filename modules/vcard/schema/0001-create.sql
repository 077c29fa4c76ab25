-- One row per account that has published a card.
CREATE TABLE vcard (
	account BIGINT NOT NULL PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
	xml     TEXT   NOT NULL -- the <vCard/> element
);
