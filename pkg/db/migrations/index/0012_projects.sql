-- What models are grouped by; see pkg/project. Times are ms since 1970.
CREATE TABLE projects (
	name        TEXT PRIMARY KEY,
	description TEXT NOT NULL DEFAULT '',
	created     INTEGER NOT NULL,
	updated     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
