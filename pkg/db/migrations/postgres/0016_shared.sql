-- Files that clients keep below the artifact root by path alone: they belong to no run and no logged model.
CREATE TABLE shared_assets (
	path TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	kind TEXT COLLATE "C" NOT NULL,
	id BYTEA NOT NULL,
	size BIGINT NOT NULL,
	files BIGINT NOT NULL
);
CREATE INDEX shared_assets_id ON shared_assets (id);
