-- When a param or a metric of a script was corrected (ms since 1970): of two copies of a run the one that was
-- corrected later decides about it. The kind is params or metrics.
CREATE TABLE corrections (
	run  INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
	kind TEXT NOT NULL,
	key  TEXT NOT NULL,
	time INTEGER NOT NULL,
	PRIMARY KEY (run, kind, key)
) STRICT, WITHOUT ROWID;
