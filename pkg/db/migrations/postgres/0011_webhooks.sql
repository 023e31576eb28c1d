CREATE TABLE webhooks (
	id          TEXT PRIMARY KEY,
	name        TEXT NOT NULL,
	url         TEXT NOT NULL,
	description TEXT NOT NULL DEFAULT '',
	events      TEXT NOT NULL,
	secret      TEXT NOT NULL DEFAULT '',
	active      BIGINT NOT NULL DEFAULT 1,
	created     BIGINT NOT NULL,
	updated     BIGINT NOT NULL,
	after_event BIGINT NOT NULL,
	attempts    BIGINT NOT NULL DEFAULT 0,
	try_at      BIGINT NOT NULL DEFAULT 0,
	held_until  BIGINT NOT NULL DEFAULT 0
);
