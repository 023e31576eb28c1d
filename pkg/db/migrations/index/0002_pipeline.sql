-- What each fingerprint of a stage made; see pkg/pipeline.
CREATE TABLE stage_cache (
    fingerprint TEXT PRIMARY KEY,
    stage       TEXT NOT NULL,    -- its name, for people
    record      BLOB NOT NULL,    -- as in mlops.lock
    time        INTEGER NOT NULL  -- ms
) WITHOUT ROWID;
