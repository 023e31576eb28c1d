-- Files that clients keep below the artifact root by path alone: they belong to no run and no logged model.
CREATE TABLE shared_assets (
	path  TEXT NOT NULL PRIMARY KEY,
	kind  TEXT NOT NULL,
	id    BLOB NOT NULL,
	size  INTEGER NOT NULL,
	files INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_assets_id ON shared_assets (id);
