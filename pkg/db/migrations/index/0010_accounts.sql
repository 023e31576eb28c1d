-- Who may use a server, and what for; see pkg/account. Times are ms since 1970; 0 is "not set".
CREATE TABLE accounts (
	name     TEXT PRIMARY KEY,
	role     TEXT NOT NULL,
	password TEXT NOT NULL DEFAULT '', -- as argon2id writes it; '' is none
	created  INTEGER NOT NULL,
	changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE grants (
	account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
	kind    TEXT NOT NULL, -- experiment or model
	subject TEXT NOT NULL,
	role    TEXT NOT NULL,
	PRIMARY KEY (account, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
	id      TEXT PRIMARY KEY,
	account TEXT NOT NULL REFERENCES accounts (name) ON DELETE CASCADE,
	hash    BLOB NOT NULL, -- SHA-256 of the secret
	name    TEXT NOT NULL DEFAULT '',
	role    TEXT NOT NULL,
	session INTEGER NOT NULL DEFAULT 0, -- 1: from signing in on a page
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL DEFAULT 0,
	used    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_account ON tokens (account);
