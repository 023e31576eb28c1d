PRAGMA defer_foreign_keys=ON;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE "datasets" (
	dataset_uuid VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	digest VARCHAR(36) NOT NULL, 
	dataset_source_type VARCHAR(36) NOT NULL, 
	dataset_source TEXT NOT NULL, 
	dataset_schema TEXT, 
	dataset_profile TEXT, 
	CONSTRAINT dataset_pk PRIMARY KEY (experiment_id, name, digest), 
	CONSTRAINT fk_datasets_experiment_id_experiments FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
CREATE TABLE experiment_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	experiment_id INTEGER NOT NULL, 
	CONSTRAINT experiment_tag_pk PRIMARY KEY ("key", experiment_id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
CREATE TABLE experiments (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	UNIQUE (name)
);
CREATE TABLE input_tags (
	input_uuid VARCHAR(36) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	CONSTRAINT input_tags_pk PRIMARY KEY (input_uuid, name)
);
CREATE TABLE inputs (
	input_uuid VARCHAR(36) NOT NULL, 
	source_type VARCHAR(36) NOT NULL, 
	source_id VARCHAR(36) NOT NULL, 
	destination_type VARCHAR(36) NOT NULL, 
	destination_id VARCHAR(36) NOT NULL, 
	CONSTRAINT inputs_pk PRIMARY KEY (source_type, source_id, destination_type, destination_id)
);
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
CREATE TABLE "metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	step BIGINT DEFAULT '0' NOT NULL, 
	is_nan BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
CREATE TABLE model_version_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	CONSTRAINT model_version_tag_pk PRIMARY KEY ("key", name, version), 
	FOREIGN KEY(name, version) REFERENCES model_versions (name, version) ON UPDATE cascade
);
CREATE TABLE "model_versions" (
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	user_id VARCHAR(256), 
	current_stage VARCHAR(20), 
	source VARCHAR(500), 
	run_id VARCHAR(32), 
	status VARCHAR(20), 
	status_message VARCHAR(500), 
	run_link VARCHAR(500), storage_location VARCHAR(500), 
	CONSTRAINT model_version_pk PRIMARY KEY (name, version), 
	FOREIGN KEY(name) REFERENCES registered_models (name) ON UPDATE CASCADE
);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
CREATE TABLE registered_model_aliases (
	alias VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	CONSTRAINT registered_model_alias_pk PRIMARY KEY (name, alias), 
	CONSTRAINT registered_model_alias_name_fkey FOREIGN KEY(name) REFERENCES registered_models (name) ON DELETE cascade ON UPDATE cascade
);
CREATE TABLE registered_model_tags (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	CONSTRAINT registered_model_tag_pk PRIMARY KEY ("key", name), 
	FOREIGN KEY(name) REFERENCES registered_models (name) ON UPDATE cascade
);
CREATE TABLE registered_models (
	name VARCHAR(256) NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	CONSTRAINT registered_model_pk PRIMARY KEY (name), 
	UNIQUE (name)
);
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
CREATE TABLE trace_info (
	request_id VARCHAR(50) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	timestamp_ms BIGINT NOT NULL, 
	execution_time_ms BIGINT, 
	status VARCHAR(50) NOT NULL, 
	CONSTRAINT trace_info_pk PRIMARY KEY (request_id), 
	CONSTRAINT fk_trace_info_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
INSERT INTO "alembic_version" VALUES('0584bdc529eb');
INSERT INTO "datasets" VALUES('0b8fbb991c6b4d7280c5ea250c28a081',1,'wine-data','448d9ba5','code','{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}','{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}','{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO "datasets" VALUES('2b28bc79018b46ad98c4b22f9f177899',1,'wine-data','5d767da8','code','{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}','{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}','{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO "experiment_tags" VALUES('team','cellar',1);
INSERT INTO "experiments" VALUES(0,'Default','/tmp/wk/mlruns/0','active',1795282278144,1795282278144);
INSERT INTO "experiments" VALUES(1,'wine','file:///tmp/mlartifacts/wine','active',1795282278148,1795282278148);
INSERT INTO "experiments" VALUES(2,'gone','/tmp/wk/mlruns/2','deleted',1795282278154,1795282278535);
INSERT INTO "input_tags" VALUES('e395551037d24f038144958d8355a0c0','mlflow.data.context','train');
INSERT INTO "input_tags" VALUES('921369b00ac349b8961642bcf2211f44','mlflow.data.context','train');
INSERT INTO "inputs" VALUES('e395551037d24f038144958d8355a0c0','DATASET','0b8fbb991c6b4d7280c5ea250c28a081','RUN','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "inputs" VALUES('921369b00ac349b8961642bcf2211f44','DATASET','2b28bc79018b46ad98c4b22f9f177899','RUN','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "latest_metrics" VALUES('loss',0.2,1700000000004,4,0,'4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "latest_metrics" VALUES('val/acc',0.0,1700000000001,1,1,'4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "latest_metrics" VALUES('odd',1.0e-300,1700000000000,1099511627776,0,'4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "latest_metrics" VALUES('loss',1.2,1700000000004,4,0,'ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "latest_metrics" VALUES('val/acc',0.0,1700000000001,1,1,'ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "latest_metrics" VALUES('odd',1.0e-300,1700000000000,1099511627776,0,'ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "latest_metrics" VALUES('loss',9.0,1700000000000,0,0,'fdfc71b82ab641218f002268be27564b');
INSERT INTO "metrics" VALUES('loss',1.0,1700000000000,'4be4e40c1d824fdc9e48931aa7c89247',0,0);
INSERT INTO "metrics" VALUES('loss',0.5,1700000000001,'4be4e40c1d824fdc9e48931aa7c89247',1,0);
INSERT INTO "metrics" VALUES('loss',3.33333333333333314829e-01,1700000000002,'4be4e40c1d824fdc9e48931aa7c89247',2,0);
INSERT INTO "metrics" VALUES('loss',0.25,1700000000003,'4be4e40c1d824fdc9e48931aa7c89247',3,0);
INSERT INTO "metrics" VALUES('loss',0.2,1700000000004,'4be4e40c1d824fdc9e48931aa7c89247',4,0);
INSERT INTO "metrics" VALUES('val/acc',0.5,1700000000000,'4be4e40c1d824fdc9e48931aa7c89247',0,0);
INSERT INTO "metrics" VALUES('val/acc',0.0,1700000000001,'4be4e40c1d824fdc9e48931aa7c89247',1,1);
INSERT INTO "metrics" VALUES('odd',1.79769313486231562234e+308,1700000000000,'4be4e40c1d824fdc9e48931aa7c89247',-3,0);
INSERT INTO "metrics" VALUES('odd',1.0e-300,1700000000000,'4be4e40c1d824fdc9e48931aa7c89247',1099511627776,0);
INSERT INTO "metrics" VALUES('loss',2.0,1700000000000,'ead0caf4ca3d400394049dac8b59f410',0,0);
INSERT INTO "metrics" VALUES('loss',1.5,1700000000001,'ead0caf4ca3d400394049dac8b59f410',1,0);
INSERT INTO "metrics" VALUES('loss',1.33333333333333325931e+00,1700000000002,'ead0caf4ca3d400394049dac8b59f410',2,0);
INSERT INTO "metrics" VALUES('loss',1.25,1700000000003,'ead0caf4ca3d400394049dac8b59f410',3,0);
INSERT INTO "metrics" VALUES('loss',1.2,1700000000004,'ead0caf4ca3d400394049dac8b59f410',4,0);
INSERT INTO "metrics" VALUES('val/acc',0.5,1700000000000,'ead0caf4ca3d400394049dac8b59f410',0,0);
INSERT INTO "metrics" VALUES('val/acc',0.0,1700000000001,'ead0caf4ca3d400394049dac8b59f410',1,1);
INSERT INTO "metrics" VALUES('odd',1.79769313486231562234e+308,1700000000000,'ead0caf4ca3d400394049dac8b59f410',-3,0);
INSERT INTO "metrics" VALUES('odd',1.0e-300,1700000000000,'ead0caf4ca3d400394049dac8b59f410',1099511627776,0);
INSERT INTO "metrics" VALUES('loss',9.0,1700000000000,'fdfc71b82ab641218f002268be27564b',0,0);
INSERT INTO "model_version_tags" VALUES('checked','yes','wine-model',1);
INSERT INTO "model_versions" VALUES('wine-model',1,1795282278588,1795282278618,'first',NULL,'Production','file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts/model','4be4e40c1d824fdc9e48931aa7c89247','READY',NULL,NULL,'file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts/model');
INSERT INTO "model_versions" VALUES('wine-model',2,1795282278632,1795282278632,NULL,NULL,'None','file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts/model','4be4e40c1d824fdc9e48931aa7c89247','READY',NULL,NULL,'file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts/model');
INSERT INTO "model_versions" VALUES('wine-model',3,1795282278658,1795282278674,NULL,NULL,'Deleted_Internal','REDACTED-SOURCE-PATH','REDACTED-RUN-ID','READY',NULL,'REDACTED-RUN-LINK','file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts/model');
INSERT INTO "params" VALUES('grid','3x3','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "params" VALUES('lr','0.1','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "params" VALUES('model/depth','3','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "params" VALUES('note','naïve: ü
line 2','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "params" VALUES('empty','','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "params" VALUES('lr','0.1','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "params" VALUES('model/depth','4','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "params" VALUES('note','naïve: ü
line 2','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "params" VALUES('empty','','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "registered_model_aliases" VALUES('champion',2,'wine-model');
INSERT INTO "registered_model_tags" VALUES('task','regression','wine-model');
INSERT INTO "registered_models" VALUES('wine-model',1795282278569,1795282278674,'Quality of wine');
INSERT INTO "registered_models" VALUES('empty-model',1795282278680,1795282278680,NULL);
INSERT INTO "runs" VALUES('ab9dcefb1ab04526a3e7a10559ecb923','search','UNKNOWN','','','ann','KILLED',1700000000000,1700000090000,'','active','file:///tmp/mlartifacts/wine/ab9dcefb1ab04526a3e7a10559ecb923/artifacts',1,NULL);
INSERT INTO "runs" VALUES('4be4e40c1d824fdc9e48931aa7c89247','try-0','UNKNOWN','','','ann','FINISHED',1700000001000,1700000060000,'','active','file:///tmp/mlartifacts/wine/4be4e40c1d824fdc9e48931aa7c89247/artifacts',1,NULL);
INSERT INTO "runs" VALUES('ead0caf4ca3d400394049dac8b59f410','try-1','UNKNOWN','','','ann','FAILED',1700000002000,1700000060000,'','active','file:///tmp/mlartifacts/wine/ead0caf4ca3d400394049dac8b59f410/artifacts',1,NULL);
INSERT INTO "runs" VALUES('3dfd473d18fc407996a39a6e00a626a8','still','UNKNOWN','','','unknown','RUNNING',1700000005000,NULL,'','active','file:///tmp/mlartifacts/wine/3dfd473d18fc407996a39a6e00a626a8/artifacts',1,NULL);
INSERT INTO "runs" VALUES('fdfc71b82ab641218f002268be27564b','trash','UNKNOWN','','','unknown','FINISHED',1700000006000,1700000007000,'','deleted','file:///tmp/mlartifacts/wine/fdfc71b82ab641218f002268be27564b/artifacts',1,1795282278519);
INSERT INTO "runs" VALUES('b4bcfa5b0f0f46e38fbb5c3d447ff077','lost','UNKNOWN','','','unknown','FINISHED',1700000000000,1700000000001,'','deleted','/tmp/wk/mlruns/2/b4bcfa5b0f0f46e38fbb5c3d447ff077/artifacts',2,1795282278538);
INSERT INTO "tags" VALUES('mlflow.user','ann','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.source.name','train.py','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.source.type','LOCAL','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.note.content','# Search
The *best* so far.','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.runName','search','ab9dcefb1ab04526a3e7a10559ecb923');
INSERT INTO "tags" VALUES('mlflow.parentRunId','ab9dcefb1ab04526a3e7a10559ecb923','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "tags" VALUES('mlflow.user','ann','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "tags" VALUES('mlflow.runName','try-0','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "tags" VALUES('stage/name','tune','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "tags" VALUES('quoted','a "b" ''c''','4be4e40c1d824fdc9e48931aa7c89247');
INSERT INTO "tags" VALUES('mlflow.parentRunId','ab9dcefb1ab04526a3e7a10559ecb923','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "tags" VALUES('mlflow.user','ann','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "tags" VALUES('mlflow.runName','try-1','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "tags" VALUES('stage/name','tune','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "tags" VALUES('quoted','a "b" ''c''','ead0caf4ca3d400394049dac8b59f410');
INSERT INTO "tags" VALUES('mlflow.runName','still','3dfd473d18fc407996a39a6e00a626a8');
INSERT INTO "tags" VALUES('mlflow.runName','trash','fdfc71b82ab641218f002268be27564b');
INSERT INTO "tags" VALUES('mlflow.runName','lost','b4bcfa5b0f0f46e38fbb5c3d447ff077');
