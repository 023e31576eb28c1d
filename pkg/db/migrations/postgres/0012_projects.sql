CREATE TABLE projects (
	name        TEXT PRIMARY KEY,
	description TEXT NOT NULL DEFAULT '',
	created     BIGINT NOT NULL,
	updated     BIGINT NOT NULL
);
