-- A message in the archives of its sender and its recipient: one row for both.  `id` is the id of
-- the message in the archive of `owner`, `sender_id` in that of `sender`; both are microseconds since
-- 1970 and grow strictly per account.  A message that only its sender keeps has it as the owner.
-- [sqlite]
CREATE TABLE archive (
	class               BIGINT NOT NULL, -- how long it is kept: 1 week, 2 month, 3 year, 4 for ever
	owner               BIGINT NOT NULL, -- accounts.id; of a deleted account the row goes in idle time
	id                  BIGINT NOT NULL,
	sender              BIGINT,          -- accounts.id; NULL: no entry of the sender's
	sender_id           BIGINT,          -- at most an hour before id
	conversation        BIGINT NOT NULL, -- hash of owner and the other side's bare JID
	sender_conversation BIGINT,
	flags               BIGINT NOT NULL, -- modules/archive/archive.h: bits, and a hash of the resource it is from
	bytes               BIGINT NOT NULL, -- of stanza
	fingerprint         BIGINT NOT NULL, -- of the message, to know a repeat
	addressee           TEXT,            -- the "to" that it had; NULL: the owner's bare JID
	stanza              TEXT   NOT NULL  -- without "to"; empty when it was erased
);
CREATE UNIQUE INDEX archive_owner ON archive (owner, id, class);
CREATE INDEX archive_sender ON archive (sender, sender_id) WHERE sender IS NOT NULL;
CREATE INDEX archive_conversation ON archive (conversation, id);
CREATE INDEX archive_sender_conversation ON archive (sender_conversation, sender_id) WHERE sender IS NOT NULL;
CREATE INDEX archive_class ON archive (class, id) WHERE class < 4;
-- [postgresql]
CREATE TABLE archive (
	class               SMALLINT NOT NULL,
	flags               BIGINT NOT NULL,
	owner               BIGINT NOT NULL,
	id                  BIGINT NOT NULL,
	sender              BIGINT,
	sender_id           BIGINT,
	conversation        BIGINT NOT NULL,
	sender_conversation BIGINT,
	fingerprint         BIGINT NOT NULL,
	bytes               INTEGER NOT NULL,
	addressee           TEXT,
	stanza              TEXT NOT NULL,
	PRIMARY KEY (owner, id, class)
) PARTITION BY LIST (class);
CREATE INDEX archive_sender ON archive (sender, sender_id) WHERE sender IS NOT NULL;
CREATE INDEX archive_conversation ON archive (conversation, id);
CREATE INDEX archive_sender_conversation ON archive (sender_conversation, sender_id) WHERE sender IS NOT NULL;
CREATE TABLE archive_1 PARTITION OF archive FOR VALUES IN (1) PARTITION BY RANGE (id);
CREATE TABLE archive_2 PARTITION OF archive FOR VALUES IN (2) PARTITION BY RANGE (id);
CREATE TABLE archive_3 PARTITION OF archive FOR VALUES IN (3) PARTITION BY RANGE (id);
CREATE TABLE archive_4 PARTITION OF archive FOR VALUES IN (4) PARTITION BY RANGE (id);
-- What finds no partition: nothing, as long as the server's clock is right.
CREATE TABLE archive_1_rest PARTITION OF archive_1 DEFAULT;
CREATE TABLE archive_2_rest PARTITION OF archive_2 DEFAULT;
CREATE TABLE archive_3_rest PARTITION OF archive_3 DEFAULT;
CREATE TABLE archive_4_rest PARTITION OF archive_4 DEFAULT;

-- Makes the partitions of this and the next two spans (a day for class 1, 7 days for 2, 56 for 3, 112
-- for 4), named after the span's number since 1970, and drops those that are older than their class
-- keeps: one at a call, so that no lock is held while another is waited for; 0: nothing was left to be
-- done.  Never waits long for a lock: what could not be done now is done the next time.
CREATE FUNCTION archive_maintain(now_us BIGINT) RETURNS BIGINT LANGUAGE plpgsql AS $body$
DECLARE
	spans CONSTANT BIGINT[] := ARRAY[1, 7, 56, 112];
	kept CONSTANT BIGINT[] := ARRAY[7, 31, 366, NULL];
	day CONSTANT BIGINT := 86400000000;
	length BIGINT;
	span BIGINT;
	name TEXT;
BEGIN
	IF NOT pg_try_advisory_xact_lock(hashtext('archive_maintain')) THEN
		RETURN 0;
	END IF;
	PERFORM set_config('lock_timeout', '300', true);
	FOR c IN 1..4 LOOP
		length := spans[c] * day;
		FOR n IN 0..2 LOOP
			span := now_us / length + n;
			name := format('archive_%s_%s', c, span);
			CONTINUE WHEN to_regclass(name) IS NOT NULL;
			BEGIN
				-- What came before its partition was there is in the rest.
				EXECUTE format('CREATE TABLE %I (LIKE archive_%s INCLUDING ALL)', name, c);
				EXECUTE format('LOCK TABLE archive_%s_rest IN ACCESS EXCLUSIVE MODE', c);
				EXECUTE format('WITH moved AS (DELETE FROM archive_%s_rest WHERE id >= %s AND id < %s RETURNING *)'
					' INSERT INTO %I SELECT * FROM moved', c, span * length, (span + 1) * length, name);
				EXECUTE format('ALTER TABLE archive_%s ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
					c, name, span * length, (span + 1) * length);
				RETURN 1;
			EXCEPTION WHEN lock_not_available THEN
				RETURN 0;
			END;
		END LOOP;
		CONTINUE WHEN kept[c] IS NULL;
		FOR name IN SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
			WHERE inhparent = to_regclass('archive_' || c) AND relname ~ '_[0-9]+$'
		LOOP
			span := substring(name FROM '[0-9]+$');
			CONTINUE WHEN (span + 1) * length > now_us - kept[c] * day;
			BEGIN
				EXECUTE format('DROP TABLE %I', name);
				RETURN 1;
			EXCEPTION WHEN lock_not_available THEN
				RETURN 0;
			END;
		END LOOP;
	END LOOP;
	RETURN 0;
END
$body$;
-- [all]

-- What is different for an account, and how far its messages were delivered.
CREATE TABLE archive_accounts (
	account   BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
	behaviour BIGINT, -- XEP-0441 2.1.1: 0 always, 1 roster, 2 never; NULL: as the host
	keep_days BIGINT, -- NULL: as the host
	floor     BIGINT NOT NULL DEFAULT 0, -- entries below this id are not shown
	delivered BIGINT NOT NULL DEFAULT 0  -- some client got every message received up to this id
);
CREATE TABLE archive_rules (
	account BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	jid     TEXT   NOT NULL, -- normalised, bare or full
	never   BIGINT NOT NULL, -- 0: always
	PRIMARY KEY (account, jid)
);

-- Deleted accounts whose rows are still to go.
CREATE TABLE archive_gone (
	account BIGINT PRIMARY KEY
);
-- [sqlite]
CREATE TRIGGER archive_account_gone AFTER DELETE ON accounts BEGIN
	INSERT INTO archive_gone VALUES (old.id);
END;
-- [postgresql]
CREATE FUNCTION archive_account_gone() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
	INSERT INTO archive_gone VALUES (old.id);
	RETURN NULL;
END
$body$;
CREATE TRIGGER archive_account_gone AFTER DELETE ON accounts
	FOR EACH ROW EXECUTE FUNCTION archive_account_gone();
-- [all]

-- Who sweeps: one worker of all servers at a time.
CREATE TABLE archive_sweep (
	one      BIGINT PRIMARY KEY CHECK (one = 1),
	until_us BIGINT NOT NULL
);
INSERT INTO archive_sweep VALUES (1, 0);

-- The key of the ids that clients see.
-- [sqlite]
INSERT INTO secrets (name, value) VALUES ('archive', lower(hex(randomblob(16))));
-- [postgresql]
INSERT INTO secrets (name, value) VALUES ('archive', replace(gen_random_uuid()::TEXT, '-', ''));
-- [all]
