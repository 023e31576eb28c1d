-- What clients of a tracking server keep. Times are ms since 1970; 0 is "not set".
ALTER TABLE experiments ADD COLUMN location TEXT NOT NULL DEFAULT '';
CREATE TABLE experiment_tags (
	experiment INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	key        TEXT NOT NULL,
	value      TEXT NOT NULL,
	PRIMARY KEY (experiment, key)
) STRICT, WITHOUT ROWID;

-- Rows of one run in the order in which they were first logged; 0 is before all.
ALTER TABLE params ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tags ADD COLUMN position INTEGER NOT NULL DEFAULT 0;

-- Points in blocks, column by column: the bytes of pkg/trackdb's blocks.go. What a request logs is one row of
-- tails, for all its series; many of them become blocks, a series each. points has those of older programs.
CREATE TABLE tails (
	id   INTEGER PRIMARY KEY,
	run  INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	data BLOB NOT NULL
) STRICT;
CREATE INDEX tails_run ON tails (run, id);
CREATE TABLE blocks (
	id         INTEGER PRIMARY KEY,
	series     INTEGER NOT NULL REFERENCES series (id) ON DELETE CASCADE,
	first_step INTEGER NOT NULL,
	last_step  INTEGER NOT NULL,
	data       BLOB NOT NULL
) STRICT;
CREATE INDEX blocks_series ON blocks (series, id);

-- A page of runs by a metric is read from the index alone.
DROP INDEX series_value;
CREATE INDEX series_value ON series (key, value, run);

-- Data that runs say they used, and what for.
CREATE TABLE datasets (
	id          INTEGER PRIMARY KEY,
	experiment  INTEGER NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
	name        TEXT NOT NULL,
	digest      TEXT NOT NULL,
	source_type TEXT NOT NULL,
	source      TEXT NOT NULL,
	schema      TEXT NOT NULL,
	profile     TEXT NOT NULL,
	UNIQUE (experiment, name, digest)
) STRICT;
CREATE TABLE run_datasets (
	run      INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	dataset  INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
	context  TEXT NOT NULL, -- the tag mlflow.data.context
	tags     TEXT NOT NULL, -- JSON array
	position INTEGER NOT NULL,
	PRIMARY KEY (run, dataset)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_datasets_dataset ON run_datasets (dataset);

-- Logged models that a run read (input) or made (output); the model need not be known here.
CREATE TABLE run_models (
	run      INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	role     TEXT NOT NULL,
	model    TEXT NOT NULL,
	step     INTEGER NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (run, role, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_models_model ON run_models (model);

CREATE TABLE logged_models (
	seq        INTEGER PRIMARY KEY,
	id         TEXT NOT NULL UNIQUE,
	experiment INTEGER NOT NULL REFERENCES experiments (id),
	name       TEXT NOT NULL,
	type       TEXT NOT NULL,
	run        TEXT NOT NULL, -- id of the run that made it, which need not be known
	status     TEXT NOT NULL,
	message    TEXT NOT NULL,
	created    INTEGER NOT NULL,
	updated    INTEGER NOT NULL,
	deleted    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX logged_models_experiment ON logged_models (experiment, created DESC, id);
CREATE INDEX logged_models_name ON logged_models (name);
CREATE INDEX logged_models_run ON logged_models (run) WHERE run <> '';
CREATE TABLE model_params (
	model    INTEGER NOT NULL REFERENCES logged_models (seq) ON DELETE CASCADE,
	key      TEXT NOT NULL,
	value    TEXT NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE model_tags (
	model    INTEGER NOT NULL REFERENCES logged_models (seq) ON DELETE CASCADE,
	key      TEXT NOT NULL,
	value    TEXT NOT NULL,
	position INTEGER NOT NULL,
	PRIMARY KEY (model, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE model_metrics (
	model     INTEGER NOT NULL REFERENCES logged_models (seq) ON DELETE CASCADE,
	key       TEXT NOT NULL,
	timestamp INTEGER NOT NULL,
	step      INTEGER NOT NULL,
	run       TEXT NOT NULL,
	value     ANY NOT NULL,
	dataset   TEXT NOT NULL,
	digest    TEXT NOT NULL,
	PRIMARY KEY (model, key, timestamp, step, run)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_metrics_value ON model_metrics (key, value);
CREATE TABLE model_assets (
	model INTEGER NOT NULL REFERENCES logged_models (seq) ON DELETE CASCADE,
	path  TEXT NOT NULL,
	kind  TEXT NOT NULL,
	id    BLOB NOT NULL,
	size  INTEGER NOT NULL,
	files INTEGER NOT NULL,
	PRIMARY KEY (model, path)
) STRICT, WITHOUT ROWID;
CREATE INDEX model_assets_id ON model_assets (id);
