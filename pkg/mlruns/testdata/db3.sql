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
CREATE TABLE "experiment_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	experiment_id INTEGER NOT NULL, 
	CONSTRAINT experiment_tag_pk PRIMARY KEY ("key", experiment_id), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id)
);
CREATE TABLE "experiments" (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), 
	creation_time BIGINT, 
	last_update_time BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)
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
	destination_id VARCHAR(36) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, 
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
CREATE TABLE logged_model_metrics (
	model_id VARCHAR(36) NOT NULL, 
	metric_name VARCHAR(500) NOT NULL, 
	metric_timestamp_ms BIGINT NOT NULL, 
	metric_step BIGINT NOT NULL, 
	metric_value FLOAT, 
	experiment_id INTEGER NOT NULL, 
	run_id VARCHAR(32) NOT NULL, 
	dataset_uuid VARCHAR(36), 
	dataset_name VARCHAR(500), 
	dataset_digest VARCHAR(36), 
	CONSTRAINT logged_model_metrics_pk PRIMARY KEY (model_id, metric_name, metric_timestamp_ms, metric_step, run_id), 
	CONSTRAINT fk_logged_model_metrics_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_metrics_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE, 
	CONSTRAINT fk_logged_model_metrics_run_id FOREIGN KEY(run_id) REFERENCES runs (run_uuid) ON DELETE CASCADE
);
CREATE TABLE logged_model_params (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	param_key VARCHAR(255) NOT NULL, 
	param_value TEXT NOT NULL, 
	CONSTRAINT logged_model_params_pk PRIMARY KEY (model_id, param_key), 
	CONSTRAINT fk_logged_model_params_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_params_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
CREATE TABLE logged_model_tags (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	tag_key VARCHAR(255) NOT NULL, 
	tag_value TEXT NOT NULL, 
	CONSTRAINT logged_model_tags_pk PRIMARY KEY (model_id, tag_key), 
	CONSTRAINT fk_logged_model_tags_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CONSTRAINT fk_logged_model_tags_model_id FOREIGN KEY(model_id) REFERENCES logged_models (model_id) ON DELETE CASCADE
);
CREATE TABLE logged_models (
	model_id VARCHAR(36) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(500) NOT NULL, 
	artifact_location VARCHAR(1000) NOT NULL, 
	creation_timestamp_ms BIGINT NOT NULL, 
	last_updated_timestamp_ms BIGINT NOT NULL, 
	status INTEGER NOT NULL, 
	lifecycle_stage VARCHAR(32), 
	model_type VARCHAR(500), 
	source_run_id VARCHAR(32), 
	status_message VARCHAR(1000), 
	CONSTRAINT logged_models_pk PRIMARY KEY (model_id), 
	CONSTRAINT logged_models_lifecycle_stage_check CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT fk_logged_models_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
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
CREATE TABLE "model_version_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value TEXT, 
	name VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_tag_pk PRIMARY KEY (workspace, "key", name, version), 
	CONSTRAINT fk_model_version_tags_model_versions FOREIGN KEY(workspace, name, version) REFERENCES model_versions (workspace, name, version) ON UPDATE CASCADE
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
	run_link VARCHAR(500), 
	storage_location VARCHAR(500), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT model_version_pk PRIMARY KEY (workspace, name, version), 
	CONSTRAINT fk_model_versions_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
CREATE TABLE "registered_model_aliases" (
	alias VARCHAR(256) NOT NULL, 
	version INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_alias_pk PRIMARY KEY (workspace, name, alias), 
	CONSTRAINT fk_registered_model_aliases_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE TABLE "registered_model_tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	name VARCHAR(256) NOT NULL, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_tag_pk PRIMARY KEY (workspace, "key", name), 
	CONSTRAINT fk_registered_model_tags_registered_models FOREIGN KEY(workspace, name) REFERENCES registered_models (workspace, name) ON UPDATE CASCADE
);
CREATE TABLE "registered_models" (
	name VARCHAR(256) NOT NULL, 
	creation_time BIGINT, 
	last_updated_time BIGINT, 
	description VARCHAR(5000), 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT registered_model_pk PRIMARY KEY (workspace, name)
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
CREATE TABLE "trace_info" (
	request_id VARCHAR(50) NOT NULL, 
	experiment_id INTEGER NOT NULL, 
	timestamp_ms BIGINT NOT NULL, 
	execution_time_ms BIGINT, 
	status VARCHAR(50) NOT NULL, 
	client_request_id VARCHAR(50), 
	request_preview VARCHAR(1000), 
	response_preview VARCHAR(1000), 
	db_payload_generation INTEGER DEFAULT '0' NOT NULL, trace_name VARCHAR(4096), session_id VARCHAR(250), input_tokens BIGINT, output_tokens BIGINT, total_tokens BIGINT, cache_read_input_tokens BIGINT, cache_creation_input_tokens BIGINT, cache_creation_input_tokens_above_1hr BIGINT, input_cost FLOAT, output_cost FLOAT, total_cost FLOAT, 
	CONSTRAINT trace_info_pk PRIMARY KEY (request_id), 
	CONSTRAINT fk_trace_info_experiment_id FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id) ON DELETE CASCADE
);
INSERT INTO "alembic_version" VALUES('dc11669786a5');
INSERT INTO "datasets" VALUES('10cafa837e0248f4a2b13e307eedd6ab',1,'wine-data','448d9ba5','code','{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}','{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}','{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO "datasets" VALUES('d417ac1d15a64e1eb2161803edbcbcc3',1,'wine-data','5d767da8','code','{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}','{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}','{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO "experiment_tags" VALUES('team','cellar',1);
INSERT INTO "experiments" VALUES(0,'Default','/tmp/wk/mlruns/0','active',1795282286924,1795282286924,'default');
INSERT INTO "experiments" VALUES(1,'wine','file:///tmp/mlartifacts/wine','active',1795282286927,1795282286927,'default');
INSERT INTO "experiments" VALUES(2,'gone','/tmp/wk/mlruns/2','deleted',1795282286946,1795282287137,'default');
INSERT INTO "input_tags" VALUES('3b99b651e08245418554b74d5a9ecad0','mlflow.data.context','train');
INSERT INTO "input_tags" VALUES('8fa11c656c5f47aea4f21fc80b7961bb','mlflow.data.context','train');
INSERT INTO "inputs" VALUES('3b99b651e08245418554b74d5a9ecad0','DATASET','10cafa837e0248f4a2b13e307eedd6ab','RUN','9d6419c3508740f2a3a4ce55e4baea50',0);
INSERT INTO "inputs" VALUES('8fa11c656c5f47aea4f21fc80b7961bb','DATASET','d417ac1d15a64e1eb2161803edbcbcc3','RUN','279bdddc69e346598f6d75216354476e',0);
INSERT INTO "inputs" VALUES('ab04d3c6d17d49779365acafad03d4a8','RUN_OUTPUT','9d6419c3508740f2a3a4ce55e4baea50','MODEL_OUTPUT','m-ce3cfb85497042a0a17f98c57e8dde1d',4);
INSERT INTO "inputs" VALUES('e72f54a003834ebc81f919d74b4dfdc6','RUN_INPUT','279bdddc69e346598f6d75216354476e','MODEL_INPUT','m-ce3cfb85497042a0a17f98c57e8dde1d',0);
INSERT INTO "latest_metrics" VALUES('loss',0.2,1700000000004,4,0,'9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "latest_metrics" VALUES('val/acc',0.0,1700000000001,1,1,'9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "latest_metrics" VALUES('odd',1.0e-300,1700000000000,1099511627776,0,'9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "latest_metrics" VALUES('loss',1.2,1700000000004,4,0,'279bdddc69e346598f6d75216354476e');
INSERT INTO "latest_metrics" VALUES('val/acc',0.0,1700000000001,1,1,'279bdddc69e346598f6d75216354476e');
INSERT INTO "latest_metrics" VALUES('odd',1.0e-300,1700000000000,1099511627776,0,'279bdddc69e346598f6d75216354476e');
INSERT INTO "latest_metrics" VALUES('loss',9.0,1700000000000,0,0,'7ec93181ec4a405dbca3ecd08a6859ed');
INSERT INTO "latest_metrics" VALUES('auc',0.9,1700000000000,1,0,'9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "logged_model_metrics" VALUES('m-ce3cfb85497042a0a17f98c57e8dde1d','auc',1700000000000,1,0.9,1,'9d6419c3508740f2a3a4ce55e4baea50',NULL,'wine-data','abc');
INSERT INTO "logged_model_params" VALUES('m-ce3cfb85497042a0a17f98c57e8dde1d',1,'depth','3');
INSERT INTO "logged_model_tags" VALUES('m-ce3cfb85497042a0a17f98c57e8dde1d',1,'kind','cart');
INSERT INTO "logged_models" VALUES('m-ce3cfb85497042a0a17f98c57e8dde1d',1,'tree','file:///tmp/mlartifacts/wine/models/m-ce3cfb85497042a0a17f98c57e8dde1d/artifacts',1795282287237,1795282287262,2,'active','classifier','9d6419c3508740f2a3a4ce55e4baea50',NULL);
INSERT INTO "metrics" VALUES('loss',1.0,1700000000000,'9d6419c3508740f2a3a4ce55e4baea50',0,0);
INSERT INTO "metrics" VALUES('loss',0.5,1700000000001,'9d6419c3508740f2a3a4ce55e4baea50',1,0);
INSERT INTO "metrics" VALUES('loss',3.33333333333333314829e-01,1700000000002,'9d6419c3508740f2a3a4ce55e4baea50',2,0);
INSERT INTO "metrics" VALUES('loss',0.25,1700000000003,'9d6419c3508740f2a3a4ce55e4baea50',3,0);
INSERT INTO "metrics" VALUES('loss',0.2,1700000000004,'9d6419c3508740f2a3a4ce55e4baea50',4,0);
INSERT INTO "metrics" VALUES('val/acc',0.5,1700000000000,'9d6419c3508740f2a3a4ce55e4baea50',0,0);
INSERT INTO "metrics" VALUES('val/acc',0.0,1700000000001,'9d6419c3508740f2a3a4ce55e4baea50',1,1);
INSERT INTO "metrics" VALUES('odd',1.79769313486231562234e+308,1700000000000,'9d6419c3508740f2a3a4ce55e4baea50',-3,0);
INSERT INTO "metrics" VALUES('odd',1.0e-300,1700000000000,'9d6419c3508740f2a3a4ce55e4baea50',1099511627776,0);
INSERT INTO "metrics" VALUES('loss',2.0,1700000000000,'279bdddc69e346598f6d75216354476e',0,0);
INSERT INTO "metrics" VALUES('loss',1.5,1700000000001,'279bdddc69e346598f6d75216354476e',1,0);
INSERT INTO "metrics" VALUES('loss',1.33333333333333325931e+00,1700000000002,'279bdddc69e346598f6d75216354476e',2,0);
INSERT INTO "metrics" VALUES('loss',1.25,1700000000003,'279bdddc69e346598f6d75216354476e',3,0);
INSERT INTO "metrics" VALUES('loss',1.2,1700000000004,'279bdddc69e346598f6d75216354476e',4,0);
INSERT INTO "metrics" VALUES('val/acc',0.5,1700000000000,'279bdddc69e346598f6d75216354476e',0,0);
INSERT INTO "metrics" VALUES('val/acc',0.0,1700000000001,'279bdddc69e346598f6d75216354476e',1,1);
INSERT INTO "metrics" VALUES('odd',1.79769313486231562234e+308,1700000000000,'279bdddc69e346598f6d75216354476e',-3,0);
INSERT INTO "metrics" VALUES('odd',1.0e-300,1700000000000,'279bdddc69e346598f6d75216354476e',1099511627776,0);
INSERT INTO "metrics" VALUES('loss',9.0,1700000000000,'7ec93181ec4a405dbca3ecd08a6859ed',0,0);
INSERT INTO "metrics" VALUES('auc',0.9,1700000000000,'9d6419c3508740f2a3a4ce55e4baea50',1,0);
INSERT INTO "model_version_tags" VALUES('checked','yes','wine-model',1,'default');
INSERT INTO "model_versions" VALUES('wine-model',1,1795282287166,1795282287192,'first',NULL,'Production','file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts/model','9d6419c3508740f2a3a4ce55e4baea50','READY',NULL,NULL,'file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts/model','default');
INSERT INTO "model_versions" VALUES('wine-model',2,1795282287203,1795282287203,NULL,NULL,'None','file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts/model','9d6419c3508740f2a3a4ce55e4baea50','READY',NULL,NULL,'file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts/model','default');
INSERT INTO "model_versions" VALUES('wine-model',3,1795282287220,1795282287228,NULL,NULL,'Deleted_Internal','REDACTED-SOURCE-PATH','REDACTED-RUN-ID','READY',NULL,'REDACTED-RUN-LINK','file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts/model','default');
INSERT INTO "model_versions" VALUES('wine-model',4,1795282287275,1795282287275,NULL,NULL,'None','models:/m-ce3cfb85497042a0a17f98c57e8dde1d','9d6419c3508740f2a3a4ce55e4baea50','READY',NULL,NULL,'file:///tmp/mlartifacts/wine/models/m-ce3cfb85497042a0a17f98c57e8dde1d/artifacts','default');
INSERT INTO "params" VALUES('grid','3x3','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "params" VALUES('lr','0.1','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "params" VALUES('model/depth','3','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "params" VALUES('note','naïve: ü
line 2','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "params" VALUES('empty','','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "params" VALUES('lr','0.1','279bdddc69e346598f6d75216354476e');
INSERT INTO "params" VALUES('model/depth','4','279bdddc69e346598f6d75216354476e');
INSERT INTO "params" VALUES('note','naïve: ü
line 2','279bdddc69e346598f6d75216354476e');
INSERT INTO "params" VALUES('empty','','279bdddc69e346598f6d75216354476e');
INSERT INTO "registered_model_aliases" VALUES('champion',2,'wine-model','default');
INSERT INTO "registered_model_tags" VALUES('task','regression','wine-model','default');
INSERT INTO "registered_models" VALUES('wine-model',1795282287155,1795282287275,'Quality of wine','default');
INSERT INTO "registered_models" VALUES('empty-model',1795282287232,1795282287232,NULL,'default');
INSERT INTO "runs" VALUES('59b6cd6ecd484ac99f0f2d93cf977675','search','UNKNOWN','','','ann','KILLED',1700000000000,1700000090000,'','active','file:///tmp/mlartifacts/wine/59b6cd6ecd484ac99f0f2d93cf977675/artifacts',1,NULL);
INSERT INTO "runs" VALUES('9d6419c3508740f2a3a4ce55e4baea50','try-0','UNKNOWN','','','ann','FINISHED',1700000001000,1700000060000,'','active','file:///tmp/mlartifacts/wine/9d6419c3508740f2a3a4ce55e4baea50/artifacts',1,NULL);
INSERT INTO "runs" VALUES('279bdddc69e346598f6d75216354476e','try-1','UNKNOWN','','','ann','FAILED',1700000002000,1700000060000,'','active','file:///tmp/mlartifacts/wine/279bdddc69e346598f6d75216354476e/artifacts',1,NULL);
INSERT INTO "runs" VALUES('4f122fc63983483e9f58ccdd70e17dd9','still','UNKNOWN','','','unknown','RUNNING',1700000005000,NULL,'','active','file:///tmp/mlartifacts/wine/4f122fc63983483e9f58ccdd70e17dd9/artifacts',1,NULL);
INSERT INTO "runs" VALUES('7ec93181ec4a405dbca3ecd08a6859ed','trash','UNKNOWN','','','unknown','FINISHED',1700000006000,1700000007000,'','deleted','file:///tmp/mlartifacts/wine/7ec93181ec4a405dbca3ecd08a6859ed/artifacts',1,1795282287124);
INSERT INTO "runs" VALUES('60d6864494d9433b81e0fb41eddd7c7d','lost','UNKNOWN','','','unknown','FINISHED',1700000000000,1700000000001,'','deleted','/tmp/wk/mlruns/2/60d6864494d9433b81e0fb41eddd7c7d/artifacts',2,1795282287140);
INSERT INTO "tags" VALUES('mlflow.user','ann','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.source.name','train.py','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.source.type','LOCAL','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.note.content','# Search
The *best* so far.','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.runName','search','59b6cd6ecd484ac99f0f2d93cf977675');
INSERT INTO "tags" VALUES('mlflow.parentRunId','59b6cd6ecd484ac99f0f2d93cf977675','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "tags" VALUES('mlflow.user','ann','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "tags" VALUES('mlflow.runName','try-0','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "tags" VALUES('stage/name','tune','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "tags" VALUES('quoted','a "b" ''c''','9d6419c3508740f2a3a4ce55e4baea50');
INSERT INTO "tags" VALUES('mlflow.parentRunId','59b6cd6ecd484ac99f0f2d93cf977675','279bdddc69e346598f6d75216354476e');
INSERT INTO "tags" VALUES('mlflow.user','ann','279bdddc69e346598f6d75216354476e');
INSERT INTO "tags" VALUES('mlflow.runName','try-1','279bdddc69e346598f6d75216354476e');
INSERT INTO "tags" VALUES('stage/name','tune','279bdddc69e346598f6d75216354476e');
INSERT INTO "tags" VALUES('quoted','a "b" ''c''','279bdddc69e346598f6d75216354476e');
INSERT INTO "tags" VALUES('mlflow.runName','still','4f122fc63983483e9f58ccdd70e17dd9');
INSERT INTO "tags" VALUES('mlflow.runName','trash','7ec93181ec4a405dbca3ecd08a6859ed');
INSERT INTO "tags" VALUES('mlflow.runName','lost','60d6864494d9433b81e0fb41eddd7c7d');
