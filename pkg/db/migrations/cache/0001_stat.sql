-- The stat cache: docs/format/statcache.md. One row for each directory that was
-- scanned whole (kind 0), or in which single files were (kind 1).
CREATE TABLE stat (
  kind    INTEGER NOT NULL,
  path    BLOB    NOT NULL, -- slashes are NUL bytes, so that a directory and all below it stand together
  sig     BLOB    NOT NULL, -- mtime, ctime, inode, device of the directory
  scanned INTEGER NOT NULL, -- ns, the file system's clock, before anything was looked at
  rules   BLOB    NOT NULL, -- hash of the ignore rules
  tree    BLOB    NOT NULL, -- id of the directory
  size    INTEGER NOT NULL, -- bytes below it
  files   INTEGER NOT NULL, -- files below it
  saved   INTEGER NOT NULL, -- 1: its files and nodes are in the store
  entries BLOB    NOT NULL,
  PRIMARY KEY (kind, path)
);
