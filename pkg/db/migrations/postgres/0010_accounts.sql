CREATE TABLE accounts (
	name     TEXT PRIMARY KEY,
	role     TEXT NOT NULL,
	password TEXT NOT NULL DEFAULT '',
	created  BIGINT NOT NULL,
	changed  BIGINT NOT NULL
);

CREATE TABLE grants (
	account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	role    TEXT NOT NULL,
	PRIMARY KEY (account, kind, subject)
);

CREATE TABLE tokens (
	id      TEXT PRIMARY KEY,
	account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
	hash    BYTEA NOT NULL,
	name    TEXT NOT NULL DEFAULT '',
	role    TEXT NOT NULL,
	session BIGINT NOT NULL DEFAULT 0,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL DEFAULT 0,
	used    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX tokens_account ON tokens (account);
