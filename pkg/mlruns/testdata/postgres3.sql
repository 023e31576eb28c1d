CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE datasets (
    dataset_uuid character varying(36) NOT NULL,
    experiment_id integer NOT NULL,
    name character varying(500) NOT NULL,
    digest character varying(36) NOT NULL,
    dataset_source_type character varying(36) NOT NULL,
    dataset_source text NOT NULL,
    dataset_schema text,
    dataset_profile text
);
CREATE TABLE experiment_tags (
    key character varying(250) NOT NULL,
    value text,
    experiment_id integer NOT NULL
);
CREATE TABLE experiments (
    experiment_id integer NOT NULL,
    name character varying(256) NOT NULL,
    artifact_location character varying(256),
    lifecycle_stage character varying(32),
    creation_time bigint,
    last_update_time bigint,
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL,
    CONSTRAINT experiments_lifecycle_stage CHECK (((lifecycle_stage)::text = ANY ((ARRAY['active'::character varying, 'deleted'::character varying])::text[])))
);
CREATE TABLE input_tags (
    input_uuid character varying(36) NOT NULL,
    name character varying(255) NOT NULL,
    value character varying(500) NOT NULL
);
CREATE TABLE inputs (
    input_uuid character varying(36) NOT NULL,
    source_type character varying(36) NOT NULL,
    source_id character varying(36) NOT NULL,
    destination_type character varying(36) NOT NULL,
    destination_id character varying(36) NOT NULL,
    step bigint DEFAULT '0'::bigint NOT NULL
);
CREATE TABLE latest_metrics (
    key character varying(250) NOT NULL,
    value double precision NOT NULL,
    "timestamp" bigint,
    step bigint NOT NULL,
    is_nan boolean NOT NULL,
    run_uuid character varying(32) NOT NULL
);
CREATE TABLE logged_model_metrics (
    model_id character varying(36) NOT NULL,
    metric_name character varying(500) NOT NULL,
    metric_timestamp_ms bigint NOT NULL,
    metric_step bigint NOT NULL,
    metric_value double precision,
    experiment_id integer NOT NULL,
    run_id character varying(32) NOT NULL,
    dataset_uuid character varying(36),
    dataset_name character varying(500),
    dataset_digest character varying(36)
);
CREATE TABLE logged_model_params (
    model_id character varying(36) NOT NULL,
    experiment_id integer NOT NULL,
    param_key character varying(255) NOT NULL,
    param_value text NOT NULL
);
CREATE TABLE logged_model_tags (
    model_id character varying(36) NOT NULL,
    experiment_id integer NOT NULL,
    tag_key character varying(255) NOT NULL,
    tag_value text NOT NULL
);
CREATE TABLE logged_models (
    model_id character varying(36) NOT NULL,
    experiment_id integer NOT NULL,
    name character varying(500) NOT NULL,
    artifact_location character varying(1000) NOT NULL,
    creation_timestamp_ms bigint NOT NULL,
    last_updated_timestamp_ms bigint NOT NULL,
    status integer NOT NULL,
    lifecycle_stage character varying(32),
    model_type character varying(500),
    source_run_id character varying(32),
    status_message character varying(1000),
    CONSTRAINT logged_models_lifecycle_stage_check CHECK (((lifecycle_stage)::text = ANY ((ARRAY['active'::character varying, 'deleted'::character varying])::text[])))
);
CREATE TABLE metrics (
    key character varying(250) NOT NULL,
    value double precision NOT NULL,
    "timestamp" bigint NOT NULL,
    run_uuid character varying(32) NOT NULL,
    step bigint DEFAULT '0'::bigint NOT NULL,
    is_nan boolean DEFAULT false NOT NULL
);
CREATE TABLE model_version_tags (
    key character varying(250) NOT NULL,
    value text,
    name character varying(256) NOT NULL,
    version integer NOT NULL,
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL
);
CREATE TABLE model_versions (
    name character varying(256) NOT NULL,
    version integer NOT NULL,
    creation_time bigint,
    last_updated_time bigint,
    description character varying(5000),
    user_id character varying(256),
    current_stage character varying(20),
    source character varying(500),
    run_id character varying(32),
    status character varying(20),
    status_message character varying(500),
    run_link character varying(500),
    storage_location character varying(500),
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL
);
CREATE TABLE params (
    key character varying(250) NOT NULL,
    value character varying(8000) NOT NULL,
    run_uuid character varying(32) NOT NULL
);
CREATE TABLE registered_model_aliases (
    alias character varying(256) NOT NULL,
    version integer NOT NULL,
    name character varying(256) NOT NULL,
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL
);
CREATE TABLE registered_model_tags (
    key character varying(250) NOT NULL,
    value character varying(5000),
    name character varying(256) NOT NULL,
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL
);
CREATE TABLE registered_models (
    name character varying(256) NOT NULL,
    creation_time bigint,
    last_updated_time bigint,
    description character varying(5000),
    workspace character varying(63) DEFAULT 'default'::character varying NOT NULL
);
CREATE TABLE runs (
    run_uuid character varying(32) NOT NULL,
    name character varying(250),
    source_type character varying(20),
    source_name character varying(500),
    entry_point_name character varying(50),
    user_id character varying(256),
    status character varying(9),
    start_time bigint,
    end_time bigint,
    source_version character varying(50),
    lifecycle_stage character varying(20),
    artifact_uri character varying(200),
    experiment_id integer,
    deleted_time bigint,
    CONSTRAINT runs_lifecycle_stage CHECK (((lifecycle_stage)::text = ANY ((ARRAY['active'::character varying, 'deleted'::character varying])::text[]))),
    CONSTRAINT runs_status_check CHECK (((status)::text = ANY ((ARRAY['SCHEDULED'::character varying, 'FAILED'::character varying, 'FINISHED'::character varying, 'RUNNING'::character varying, 'KILLED'::character varying])::text[]))),
    CONSTRAINT source_type CHECK (((source_type)::text = ANY ((ARRAY['NOTEBOOK'::character varying, 'JOB'::character varying, 'LOCAL'::character varying, 'UNKNOWN'::character varying, 'PROJECT'::character varying])::text[])))
);
CREATE TABLE tags (
    key character varying(250) NOT NULL,
    value character varying(8000),
    run_uuid character varying(32) NOT NULL
);
CREATE TABLE trace_info (
    request_id character varying(50) NOT NULL,
    experiment_id integer NOT NULL,
    timestamp_ms bigint NOT NULL,
    execution_time_ms bigint,
    status character varying(50) NOT NULL,
    client_request_id character varying(50),
    request_preview character varying(1000),
    response_preview character varying(1000),
    db_payload_generation integer DEFAULT 0 NOT NULL,
    trace_name character varying(4096),
    session_id character varying(250),
    input_tokens bigint,
    output_tokens bigint,
    total_tokens bigint,
    cache_read_input_tokens bigint,
    cache_creation_input_tokens bigint,
    cache_creation_input_tokens_above_1hr bigint,
    input_cost double precision,
    output_cost double precision,
    total_cost double precision
);
INSERT INTO alembic_version VALUES ('dc11669786a5');
INSERT INTO datasets VALUES ('66ff7267198b426b93ad4b55539d0a25', 1, 'wine-data', '448d9ba5', 'code', '{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}', '{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}', '{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO datasets VALUES ('4062d57de52c4ec0930318d8741a36de', 1, 'wine-data', '5d767da8', 'code', '{"tags": {"mlflow.user": "root", "mlflow.source.name": "make.py", "mlflow.source.type": "LOCAL"}}', '{"mlflow_tensorspec": {"features": "[{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 2]}}]", "targets": null}}', '{"features_shape": [2, 2], "features_size": 4, "features_nbytes": 32}');
INSERT INTO experiment_tags VALUES ('team', 'cellar', 1);
INSERT INTO experiments VALUES (0, 'Default', '/tmp/wk/mlruns/0', 'active', 1795285346448, 1795285346448, 'default');
INSERT INTO experiments VALUES (1, 'wine', 'file:///tmp/mlartifacts/wine', 'active', 1795285346470, 1795285346470, 'default');
INSERT INTO experiments VALUES (2, 'gone', '/tmp/wk/mlruns/2', 'deleted', 1795285346484, 1795285347446, 'default');
INSERT INTO input_tags VALUES ('757679cc0670486e8bf9a30df914ca24', 'mlflow.data.context', 'train');
INSERT INTO input_tags VALUES ('62d390e86dde4a2a95351f59459ba81c', 'mlflow.data.context', 'train');
INSERT INTO inputs VALUES ('757679cc0670486e8bf9a30df914ca24', 'DATASET', '66ff7267198b426b93ad4b55539d0a25', 'RUN', '15a74e65796f48c385bd6b66f717dc3b', 0);
INSERT INTO inputs VALUES ('62d390e86dde4a2a95351f59459ba81c', 'DATASET', '4062d57de52c4ec0930318d8741a36de', 'RUN', '31a4ecdb78f94ca680fad610c50abbb5', 0);
INSERT INTO inputs VALUES ('12feb696404a45c7babefbb36b71c564', 'RUN_OUTPUT', '15a74e65796f48c385bd6b66f717dc3b', 'MODEL_OUTPUT', 'm-3f4abe8cd887487f9a862c4ef4a3c263', 4);
INSERT INTO inputs VALUES ('4c1d3ab4533646758c154b87ca5f34e5', 'RUN_INPUT', '31a4ecdb78f94ca680fad610c50abbb5', 'MODEL_INPUT', 'm-3f4abe8cd887487f9a862c4ef4a3c263', 0);
INSERT INTO latest_metrics VALUES ('loss', 0.2, 1700000000004, 4, false, '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO latest_metrics VALUES ('val/acc', 0, 1700000000001, 1, true, '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO latest_metrics VALUES ('odd', 1e-300, 1700000000000, 1099511627776, false, '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO latest_metrics VALUES ('loss', 1.2, 1700000000004, 4, false, '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO latest_metrics VALUES ('val/acc', 0, 1700000000001, 1, true, '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO latest_metrics VALUES ('odd', 1e-300, 1700000000000, 1099511627776, false, '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO latest_metrics VALUES ('loss', 9, 1700000000000, 0, false, '27c727dab34a43babde8e0377e11c0c3');
INSERT INTO latest_metrics VALUES ('auc', 0.9, 1700000000000, 1, false, '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO logged_model_metrics VALUES ('m-3f4abe8cd887487f9a862c4ef4a3c263', 'auc', 1700000000000, 1, 0.9, 1, '15a74e65796f48c385bd6b66f717dc3b', NULL, 'wine-data', 'abc');
INSERT INTO logged_model_params VALUES ('m-3f4abe8cd887487f9a862c4ef4a3c263', 1, 'depth', '3');
INSERT INTO logged_model_tags VALUES ('m-3f4abe8cd887487f9a862c4ef4a3c263', 1, 'kind', 'cart');
INSERT INTO logged_models VALUES ('m-3f4abe8cd887487f9a862c4ef4a3c263', 1, 'tree', 'file:///tmp/mlartifacts/wine/models/m-3f4abe8cd887487f9a862c4ef4a3c263/artifacts', 1795285349152, 1795285349277, 2, 'active', 'classifier', '15a74e65796f48c385bd6b66f717dc3b', NULL);
INSERT INTO metrics VALUES ('loss', 1, 1700000000000, '15a74e65796f48c385bd6b66f717dc3b', 0, false);
INSERT INTO metrics VALUES ('loss', 0.5, 1700000000001, '15a74e65796f48c385bd6b66f717dc3b', 1, false);
INSERT INTO metrics VALUES ('loss', 0.3333333333333333, 1700000000002, '15a74e65796f48c385bd6b66f717dc3b', 2, false);
INSERT INTO metrics VALUES ('loss', 0.25, 1700000000003, '15a74e65796f48c385bd6b66f717dc3b', 3, false);
INSERT INTO metrics VALUES ('loss', 0.2, 1700000000004, '15a74e65796f48c385bd6b66f717dc3b', 4, false);
INSERT INTO metrics VALUES ('val/acc', 0.5, 1700000000000, '15a74e65796f48c385bd6b66f717dc3b', 0, false);
INSERT INTO metrics VALUES ('val/acc', 0, 1700000000001, '15a74e65796f48c385bd6b66f717dc3b', 1, true);
INSERT INTO metrics VALUES ('odd', 1.7976931348623157e+308, 1700000000000, '15a74e65796f48c385bd6b66f717dc3b', -3, false);
INSERT INTO metrics VALUES ('odd', 1e-300, 1700000000000, '15a74e65796f48c385bd6b66f717dc3b', 1099511627776, false);
INSERT INTO metrics VALUES ('loss', 2, 1700000000000, '31a4ecdb78f94ca680fad610c50abbb5', 0, false);
INSERT INTO metrics VALUES ('loss', 1.5, 1700000000001, '31a4ecdb78f94ca680fad610c50abbb5', 1, false);
INSERT INTO metrics VALUES ('loss', 1.3333333333333333, 1700000000002, '31a4ecdb78f94ca680fad610c50abbb5', 2, false);
INSERT INTO metrics VALUES ('loss', 1.25, 1700000000003, '31a4ecdb78f94ca680fad610c50abbb5', 3, false);
INSERT INTO metrics VALUES ('loss', 1.2, 1700000000004, '31a4ecdb78f94ca680fad610c50abbb5', 4, false);
INSERT INTO metrics VALUES ('val/acc', 0.5, 1700000000000, '31a4ecdb78f94ca680fad610c50abbb5', 0, false);
INSERT INTO metrics VALUES ('val/acc', 0, 1700000000001, '31a4ecdb78f94ca680fad610c50abbb5', 1, true);
INSERT INTO metrics VALUES ('odd', 1.7976931348623157e+308, 1700000000000, '31a4ecdb78f94ca680fad610c50abbb5', -3, false);
INSERT INTO metrics VALUES ('odd', 1e-300, 1700000000000, '31a4ecdb78f94ca680fad610c50abbb5', 1099511627776, false);
INSERT INTO metrics VALUES ('loss', 9, 1700000000000, '27c727dab34a43babde8e0377e11c0c3', 0, false);
INSERT INTO metrics VALUES ('auc', 0.9, 1700000000000, '15a74e65796f48c385bd6b66f717dc3b', 1, false);
INSERT INTO model_version_tags VALUES ('checked', 'yes', 'wine-model', 1, 'default');
INSERT INTO model_versions VALUES ('wine-model', 1, 1795285347663, 1795285348760, 'first', NULL, 'Production', 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts/model', '15a74e65796f48c385bd6b66f717dc3b', 'READY', NULL, NULL, 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts/model', 'default');
INSERT INTO model_versions VALUES ('wine-model', 2, 1795285348874, 1795285348874, NULL, NULL, 'None', 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts/model', '15a74e65796f48c385bd6b66f717dc3b', 'READY', NULL, NULL, 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts/model', 'default');
INSERT INTO model_versions VALUES ('wine-model', 3, 1795285348966, 1795285349109, NULL, NULL, 'Deleted_Internal', 'REDACTED-SOURCE-PATH', 'REDACTED-RUN-ID', 'READY', NULL, 'REDACTED-RUN-LINK', 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts/model', 'default');
INSERT INTO model_versions VALUES ('wine-model', 4, 1795285349393, 1795285349393, NULL, NULL, 'None', 'models:/m-3f4abe8cd887487f9a862c4ef4a3c263', '15a74e65796f48c385bd6b66f717dc3b', 'READY', NULL, NULL, 'file:///tmp/mlartifacts/wine/models/m-3f4abe8cd887487f9a862c4ef4a3c263/artifacts', 'default');
INSERT INTO params VALUES ('grid', '3x3', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO params VALUES ('lr', '0.1', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO params VALUES ('model/depth', '3', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO params VALUES ('note', 'naïve: ü
line 2', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO params VALUES ('empty', '', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO params VALUES ('lr', '0.1', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO params VALUES ('model/depth', '4', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO params VALUES ('note', 'naïve: ü
line 2', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO params VALUES ('empty', '', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO registered_model_aliases VALUES ('champion', 2, 'wine-model', 'default');
INSERT INTO registered_model_tags VALUES ('task', 'regression', 'wine-model', 'default');
INSERT INTO registered_models VALUES ('empty-model', 1795285349130, 1795285349130, NULL, 'default');
INSERT INTO registered_models VALUES ('wine-model', 1795285347572, 1795285349393, 'Quality of wine', 'default');
INSERT INTO runs VALUES ('15a74e65796f48c385bd6b66f717dc3b', 'try-0', 'UNKNOWN', '', '', 'ann', 'FINISHED', 1700000001000, 1700000060000, '', 'active', 'file:///tmp/mlartifacts/wine/15a74e65796f48c385bd6b66f717dc3b/artifacts', 1, NULL);
INSERT INTO runs VALUES ('31a4ecdb78f94ca680fad610c50abbb5', 'try-1', 'UNKNOWN', '', '', 'ann', 'FAILED', 1700000002000, 1700000060000, '', 'active', 'file:///tmp/mlartifacts/wine/31a4ecdb78f94ca680fad610c50abbb5/artifacts', 1, NULL);
INSERT INTO runs VALUES ('378d35bb8bb942bfbc09fd5fcbf18974', 'search', 'UNKNOWN', '', '', 'ann', 'KILLED', 1700000000000, 1700000090000, '', 'active', 'file:///tmp/mlartifacts/wine/378d35bb8bb942bfbc09fd5fcbf18974/artifacts', 1, NULL);
INSERT INTO runs VALUES ('c6feadea235f4696a41e55a671e4a466', 'still', 'UNKNOWN', '', '', 'unknown', 'RUNNING', 1700000005000, NULL, '', 'active', 'file:///tmp/mlartifacts/wine/c6feadea235f4696a41e55a671e4a466/artifacts', 1, NULL);
INSERT INTO runs VALUES ('27c727dab34a43babde8e0377e11c0c3', 'trash', 'UNKNOWN', '', '', 'unknown', 'FINISHED', 1700000006000, 1700000007000, '', 'deleted', 'file:///tmp/mlartifacts/wine/27c727dab34a43babde8e0377e11c0c3/artifacts', 1, 1795285347377);
INSERT INTO runs VALUES ('243a91e553914af088b91d48cb2becb0', 'lost', 'UNKNOWN', '', '', 'unknown', 'FINISHED', 1700000000000, 1700000000001, '', 'deleted', '/tmp/wk/mlruns/2/243a91e553914af088b91d48cb2becb0/artifacts', 2, 1795285347471);
INSERT INTO tags VALUES ('mlflow.user', 'ann', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.source.name', 'train.py', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.source.type', 'LOCAL', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.source.git.commit', '0123456789abcdef0123456789abcdef01234567', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.note.content', '# Search
The *best* so far.', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.runName', 'search', '378d35bb8bb942bfbc09fd5fcbf18974');
INSERT INTO tags VALUES ('mlflow.parentRunId', '378d35bb8bb942bfbc09fd5fcbf18974', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO tags VALUES ('mlflow.user', 'ann', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO tags VALUES ('mlflow.runName', 'try-0', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO tags VALUES ('stage/name', 'tune', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO tags VALUES ('quoted', 'a "b" ''c''', '15a74e65796f48c385bd6b66f717dc3b');
INSERT INTO tags VALUES ('mlflow.parentRunId', '378d35bb8bb942bfbc09fd5fcbf18974', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO tags VALUES ('mlflow.user', 'ann', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO tags VALUES ('mlflow.runName', 'try-1', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO tags VALUES ('stage/name', 'tune', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO tags VALUES ('quoted', 'a "b" ''c''', '31a4ecdb78f94ca680fad610c50abbb5');
INSERT INTO tags VALUES ('mlflow.runName', 'still', 'c6feadea235f4696a41e55a671e4a466');
INSERT INTO tags VALUES ('mlflow.runName', 'trash', '27c727dab34a43babde8e0377e11c0c3');
INSERT INTO tags VALUES ('mlflow.runName', 'lost', '243a91e553914af088b91d48cb2becb0');
