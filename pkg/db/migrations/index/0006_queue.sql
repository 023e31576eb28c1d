-- Runs that wait to be worked off; see pkg/queue. Times are ms since 1970.
CREATE TABLE queue (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	run      TEXT NOT NULL,            -- id of the run that the job is, or became when it was queued again
	parent   TEXT NOT NULL DEFAULT '', -- id of the run of the sweep it belongs to
	name     TEXT NOT NULL,
	params   TEXT NOT NULL,            -- JSON object: those that differ within the sweep, for people
	request  TEXT NOT NULL,            -- JSON: what to do
	state    TEXT NOT NULL,            -- waiting, running, finished, failed or killed
	attempts INTEGER NOT NULL DEFAULT 0,
	queued   INTEGER NOT NULL,
	started  INTEGER NOT NULL DEFAULT 0,
	ended    INTEGER NOT NULL DEFAULT 0,
	wish     TEXT NOT NULL DEFAULT '', -- 'kill': to be stopped
	error    TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX queue_state ON queue (state, id);
