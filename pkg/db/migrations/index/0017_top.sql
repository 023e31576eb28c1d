-- A sweep may have 100,000 trials: runs that belong to no other are found, and children counted, without looking at each.
CREATE INDEX runs_top ON runs (start_time DESC, id) WHERE parent = '';
DROP INDEX runs_parent;
CREATE INDEX runs_parent ON runs (parent, deleted, start_time DESC, id) WHERE parent <> '';
