-- Only what runs keep of their code is looked up by its id. An index of all assets was a third of the database, and a
-- run of many stages wrote all over it.
DROP INDEX assets_id;
CREATE INDEX assets_source ON assets (id) WHERE role = 'artifact';
