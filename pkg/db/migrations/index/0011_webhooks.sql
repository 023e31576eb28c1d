-- Who is told of changes of the registry; see pkg/webhook. Times are ms since 1970; 0 is "not set".
CREATE TABLE webhooks (
	id          TEXT PRIMARY KEY,
	name        TEXT NOT NULL,
	url         TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	events      TEXT NOT NULL,               -- JSON array
	secret      TEXT NOT NULL DEFAULT '',    -- signs deliveries, so it is kept as it is
	active      INTEGER NOT NULL DEFAULT 1,
	created     INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	after_event INTEGER NOT NULL,            -- number of the last event that was delivered or needs no delivery
	attempts    INTEGER NOT NULL DEFAULT 0,  -- of the next one
	try_at      INTEGER NOT NULL DEFAULT 0,  -- not before
	held_until  INTEGER NOT NULL DEFAULT 0   -- a server works on it
) STRICT, WITHOUT ROWID;
