-- Experiments, runs and what they logged. Times are ms since 1970; 0 is "not set".
-- A number is REAL, NaN is the text 'NaN': it sorts after every number.

CREATE TABLE experiments (
	id      INTEGER PRIMARY KEY,
	name    TEXT NOT NULL UNIQUE,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO experiments (id, name, created, updated) VALUES (0, 'Default', 0, 0);

CREATE TABLE runs (
	seq         INTEGER PRIMARY KEY,
	id          TEXT NOT NULL UNIQUE,
	experiment  INTEGER NOT NULL REFERENCES experiments (id),
	name        TEXT NOT NULL,
	kind        TEXT NOT NULL,
	status      TEXT NOT NULL,
	start_time  INTEGER NOT NULL,
	end_time    INTEGER NOT NULL DEFAULT 0,
	deleted     INTEGER NOT NULL DEFAULT 0,
	parent      TEXT NOT NULL DEFAULT '',
	user        TEXT NOT NULL DEFAULT '',
	source      TEXT NOT NULL DEFAULT '',
	git_commit  TEXT NOT NULL DEFAULT '',
	git_branch  TEXT NOT NULL DEFAULT '',
	git_dirty   INTEGER NOT NULL DEFAULT 0,
	git_remote  TEXT NOT NULL DEFAULT '',
	host        TEXT NOT NULL DEFAULT '', -- the process that works on it, while it runs
	pid         INTEGER NOT NULL DEFAULT 0,
	proc_start  TEXT NOT NULL DEFAULT '',
	record      BLOB,                     -- id of its record object, NULL when not known or out of date
	note        TEXT NOT NULL DEFAULT '',
	edited      INTEGER NOT NULL DEFAULT 0, -- when name or note last changed
	command     TEXT NOT NULL DEFAULT '[]', -- JSON array
	environment TEXT NOT NULL DEFAULT '{}'  -- JSON object
) STRICT;
CREATE INDEX runs_newest ON runs (start_time DESC, id);
CREATE INDEX runs_experiment ON runs (experiment, start_time DESC, id);
CREATE INDEX runs_name ON runs (name);
CREATE INDEX runs_parent ON runs (parent) WHERE parent <> '';
CREATE INDEX runs_alive ON runs (pid) WHERE pid > 0;

CREATE TABLE params (
	run   INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	key   TEXT NOT NULL,
	value TEXT NOT NULL,
	PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX params_value ON params (key, value);

-- A removed tag stays with the time of its removal, so that an older copy does not bring it back.
CREATE TABLE tags (
	run     INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	key     TEXT NOT NULL,
	value   TEXT NOT NULL,
	time    INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (run, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_value ON tags (key, value);

-- One row a metric of a run: the last point, by step, timestamp and value, and the extremes.
CREATE TABLE series (
	id        INTEGER PRIMARY KEY,
	run       INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	key       TEXT NOT NULL,
	value     ANY NOT NULL,
	timestamp INTEGER NOT NULL,
	step      INTEGER NOT NULL,
	min       ANY NOT NULL,
	max       ANY NOT NULL,
	count     INTEGER NOT NULL,
	UNIQUE (run, key)
) STRICT;
CREATE INDEX series_value ON series (key, value);

CREATE TABLE points (
	series    INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
	timestamp INTEGER NOT NULL,
	step      INTEGER NOT NULL,
	value     ANY NOT NULL,
	PRIMARY KEY (series, timestamp, step, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
	run   INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	role  TEXT NOT NULL,
	path  TEXT NOT NULL,
	kind  TEXT NOT NULL,
	id    BLOB NOT NULL,
	size  INTEGER NOT NULL,
	files INTEGER NOT NULL,
	PRIMARY KEY (run, role, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX assets_id ON assets (id);

CREATE TABLE stages (
	run         INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	position    INTEGER NOT NULL,
	name        TEXT NOT NULL,
	action      TEXT NOT NULL,
	reasons     TEXT NOT NULL, -- JSON array
	seconds     REAL NOT NULL,
	cpu_seconds REAL NOT NULL,
	max_rss     INTEGER NOT NULL,
	exit_code   INTEGER NOT NULL,
	log         BLOB,
	fingerprint TEXT NOT NULL,
	PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Append-only: what happened, to what, by whom.
CREATE TABLE events (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	time    INTEGER NOT NULL,
	kind    TEXT NOT NULL,
	subject TEXT NOT NULL,
	by      TEXT NOT NULL,
	data    TEXT NOT NULL DEFAULT '' -- JSON object or nothing
) STRICT;
CREATE INDEX events_subject ON events (subject, seq);
