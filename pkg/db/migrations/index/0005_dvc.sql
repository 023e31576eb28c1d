-- What DVC calls content, and what we call it. Several ids share a sum where DVC
-- does not see the difference: executable bits, line ends.

CREATE TABLE dvc_sums (
	algorithm TEXT NOT NULL,            -- md5 or md5-dos2unix
	sum       TEXT NOT NULL,            -- 32 hex digits, and .dir for a directory
	id        BLOB NOT NULL,
	size      INTEGER NOT NULL,
	files     INTEGER NOT NULL,
	parts     BLOB,                     -- of a directory: raw sums of its files, sorted by path
	PRIMARY KEY (algorithm, sum, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX dvc_sums_id ON dvc_sums (id);
