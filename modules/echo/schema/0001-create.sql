-- How often each name was called.
CREATE TABLE echo (
	domain TEXT   NOT NULL,
	name   TEXT   NOT NULL,
	calls  BIGINT NOT NULL,
	PRIMARY KEY (domain, name)
);
