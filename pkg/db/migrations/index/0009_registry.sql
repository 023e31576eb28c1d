-- Models, their versions and names. Times are ms since 1970; 0 is "not set".
-- What may be changed in two places has the time of its last change beside it: the later one wins.

CREATE TABLE registered_models (
	seq         INTEGER PRIMARY KEY,
	name        TEXT NOT NULL UNIQUE,
	created     INTEGER NOT NULL,
	updated     INTEGER NOT NULL,
	deleted     INTEGER NOT NULL DEFAULT 0, -- it is there when it was created after this
	floor       INTEGER NOT NULL DEFAULT 0, -- numbers up to this are used, by versions that are no rows any more
	description TEXT NOT NULL DEFAULT '',
	described   INTEGER NOT NULL DEFAULT 0,
	record      BLOB                        -- id of its record object, NULL when not known or out of date
) STRICT;

CREATE TABLE model_versions (
	seq          INTEGER PRIMARY KEY,
	model        INTEGER NOT NULL REFERENCES registered_models (seq) ON DELETE CASCADE,
	number       INTEGER NOT NULL,
	placed       INTEGER NOT NULL, -- when it got this model and number
	id           TEXT NOT NULL UNIQUE,
	created      INTEGER NOT NULL,
	updated      INTEGER NOT NULL,
	deleted      INTEGER NOT NULL DEFAULT 0, -- a deleted version stays, so that its number is not used again
	sent         INTEGER NOT NULL DEFAULT 0, -- 1: others may know its number
	author       TEXT NOT NULL DEFAULT '',
	stage        TEXT NOT NULL DEFAULT 'None',
	staged       INTEGER NOT NULL DEFAULT 0,
	status       TEXT NOT NULL DEFAULT 'READY',
	status_text  TEXT NOT NULL DEFAULT '',
	source       TEXT NOT NULL DEFAULT '',
	storage      TEXT NOT NULL DEFAULT '',
	run          TEXT NOT NULL DEFAULT '',
	run_link     TEXT NOT NULL DEFAULT '',
	logged_model TEXT NOT NULL DEFAULT '',
	description  TEXT NOT NULL DEFAULT '',
	described    INTEGER NOT NULL DEFAULT 0,
	object       BLOB,                       -- id of its files in the store
	details      TEXT NOT NULL DEFAULT '{}', -- JSON object
	record       BLOB,
	UNIQUE (model, number)
) STRICT;
CREATE INDEX model_versions_stage ON model_versions (model, stage, number, deleted);
CREATE INDEX model_versions_run ON model_versions (run) WHERE run <> '';
CREATE INDEX model_versions_object ON model_versions (object) WHERE object IS NOT NULL;

-- Labels of models (version 0) and versions. A removed one stays with the time of its removal.
CREATE TABLE registry_tags (
	model   INTEGER NOT NULL REFERENCES registered_models (seq) ON DELETE CASCADE,
	version INTEGER NOT NULL, -- seq of the version
	key     TEXT NOT NULL,
	value   TEXT NOT NULL,
	time    INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (model, version, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX registry_tags_value ON registry_tags (key, value);

-- An alias names its version by id: the version may get another number, or be known later.
CREATE TABLE model_aliases (
	model   INTEGER NOT NULL REFERENCES registered_models (seq) ON DELETE CASCADE,
	name    TEXT NOT NULL,
	version TEXT NOT NULL,
	author  TEXT NOT NULL,
	time    INTEGER NOT NULL,
	deleted INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (model, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE model_approvals (
	version INTEGER NOT NULL REFERENCES model_versions (seq) ON DELETE CASCADE,
	author  TEXT NOT NULL,
	time    INTEGER NOT NULL,
	alias   TEXT NOT NULL,
	note    TEXT NOT NULL,
	PRIMARY KEY (version, author, time, alias)
) STRICT, WITHOUT ROWID;

-- Records of versions whose number another version has here: see docs/decisions/0008.
CREATE TABLE model_waiting (
	id     TEXT NOT NULL PRIMARY KEY,
	name   TEXT NOT NULL,
	number INTEGER NOT NULL,
	record TEXT NOT NULL
) STRICT;
