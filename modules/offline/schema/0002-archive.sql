-- What waited moves into the archive, where it waits on: its account has confirmed nothing yet.
-- The cursor of every account that has something stays at the beginning (archive_accounts.delivered).
INSERT INTO archive (class, owner, id, conversation, flags, bytes, fingerprint, addressee, stanza)
	SELECT 4, account, seq, 0, 0, bytes, 0, addressee, stanza FROM offline;
DROP TABLE offline;
