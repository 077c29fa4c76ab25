-- How many accounts were registered on a host in the current window.
CREATE TABLE registrations (
	host     TEXT   NOT NULL PRIMARY KEY,
	since_us BIGINT NOT NULL, -- the window's beginning
	n        BIGINT NOT NULL
);
