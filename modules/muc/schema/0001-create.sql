-- Rooms.  A temporary room (persistent 0) of an earlier process is none any more.
CREATE TABLE muc_room (
	domain      TEXT   NOT NULL,
	name        TEXT   NOT NULL,
	persistent  BIGINT NOT NULL,
	listed      BIGINT NOT NULL,
	flags       BIGINT NOT NULL,
	roles       BIGINT NOT NULL,
	max_users   BIGINT NOT NULL,
	history     BIGINT NOT NULL,
	title       TEXT   NOT NULL,
	description TEXT   NOT NULL,
	lang        TEXT   NOT NULL,
	password    TEXT   NOT NULL,
	secret      TEXT   NOT NULL,
	created     BIGINT NOT NULL,
	subject     TEXT,
	subject_by  TEXT,
	subject_at  BIGINT,
	PRIMARY KEY (domain, name)
);
CREATE TABLE muc_affiliation (
	domain      TEXT   NOT NULL,
	room        TEXT   NOT NULL,
	jid         TEXT   NOT NULL,
	affiliation BIGINT NOT NULL,
	nick        TEXT,
	reason      TEXT,
	PRIMARY KEY (domain, room, jid),
	FOREIGN KEY (domain, room) REFERENCES muc_room (domain, name) ON DELETE CASCADE
);
