-- Runs that were removed for good: they do not come back from a remote or an archive.
CREATE TABLE forgotten (
	id   TEXT PRIMARY KEY,
	time INTEGER NOT NULL -- ms
) STRICT, WITHOUT ROWID;
