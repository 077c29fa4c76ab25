-- When the account became unavailable, in microseconds since 1970; NULL, 0: not known.
ALTER TABLE last_activity ADD COLUMN gone BIGINT;
