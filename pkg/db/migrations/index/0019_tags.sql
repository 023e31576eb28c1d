-- Searches ask for tags that are there: with the removed ones among them, each row was looked up in the table.
DROP INDEX tags_value;
CREATE INDEX tags_value ON tags (key, value) WHERE deleted = 0;
