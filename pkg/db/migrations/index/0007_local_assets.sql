-- What a run made and does not share: outs with push: false, large ones with cache: false.
ALTER TABLE assets ADD COLUMN local INTEGER NOT NULL DEFAULT 0;
