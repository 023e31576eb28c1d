-- How often the commands of a stage were tried in a run; 0 when they did not run.
ALTER TABLE stages ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
