-- Runs that were removed for good: they do not come back from a remote or an archive.
CREATE TABLE forgotten (
	id   TEXT PRIMARY KEY,
	time INTEGER NOT NULL -- ms
) STRICT, WITHOUT ROWID;

-- The runs of an experiment are counted without reading them.
CREATE INDEX runs_listed ON runs (experiment) WHERE deleted = 0;
