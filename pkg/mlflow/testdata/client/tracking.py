"""What both MLflow 2 and 3 clients do: experiments, runs, search, artifacts."""

import json
import math
import os
import sys
import tempfile
import time
from pathlib import Path

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag, ViewType

import check

client = MlflowClient()


def check_experiments():
    id = client.create_experiment("vision", tags={"team": "a"})
    e = client.get_experiment(id)
    assert e.name == "vision" and e.tags == {"team": "a"} and e.lifecycle_stage == "active"
    assert e.artifact_location == f"mlflow-artifacts:/{id}", e.artifact_location
    assert abs(time.time() * 1000 - e.creation_time) < 60_000
    assert client.get_experiment_by_name("vision").experiment_id == id
    assert client.get_experiment_by_name("nobody") is None
    assert mlflow.set_experiment("vision").experiment_id == id
    check.raises("already exists", client.create_experiment, "vision")
    check.raises("No Experiment with id=12345", client.get_experiment, "12345")
    client.set_experiment_tag(id, "team", "b")
    client.rename_experiment(id, "sight")
    assert client.get_experiment(id).tags == {"team": "b"} and client.get_experiment(id).name == "sight"
    client.delete_experiment(id)
    assert id not in [e.experiment_id for e in client.search_experiments()]
    assert id in [e.experiment_id for e in client.search_experiments(view_type=ViewType.DELETED_ONLY)]
    client.restore_experiment(id)
    for i in range(5):
        client.create_experiment(f"page {i}")
    names, token = [], None
    while True:
        page = client.search_experiments(max_results=2, filter_string="name LIKE 'page %'", order_by=["name ASC"], page_token=token)
        names += [e.name for e in page]
        token = page.token
        if not token:
            break
    assert names == [f"page {i}" for i in range(5)], names


def check_runs():
    mlflow.set_experiment("runs")
    with mlflow.start_run(run_name="parent", tags={"kind": "outer"}, description="a *note*") as parent:
        mlflow.log_param("lr", 0.1)
        mlflow.log_params({"a": 1, "b": "x" * 7000, "c": None})
        mlflow.log_metric("loss", 0.5, step=1)
        mlflow.log_metrics({"acc": 0.9, "nan": math.nan, "inf": math.inf}, step=2)
        mlflow.set_tag("release", "yes")
        mlflow.set_tags({"one": 1, "two": 2})
        for i in range(2):
            with mlflow.start_run(nested=True, run_name=f"child {i}"):
                mlflow.log_metric("loss", i)
    r = client.get_run(parent.info.run_id)
    assert r.info.status == "FINISHED" and r.info.run_name == "parent" and r.info.end_time >= r.info.start_time
    assert r.data.params["lr"] == "0.1" and r.data.params["c"] == "None" and len(r.data.params["b"]) == 6000
    assert r.data.metrics["loss"] == 0.5 and math.isnan(r.data.metrics["nan"]) and r.data.metrics["inf"] > 1e308
    assert r.data.tags["release"] == "yes" and r.data.tags["two"] == "2" and r.data.tags["mlflow.runName"] == "parent"
    assert r.data.tags["mlflow.note.content"] == "a *note*" and r.data.tags["mlflow.source.type"] == "LOCAL", r.data.tags
    children = client.search_runs([r.info.experiment_id], f"tags.mlflow.parentRunId = '{r.info.run_id}'")
    assert sorted(c.info.run_name for c in children) == ["child 0", "child 1"]
    with mlflow.start_run(run_id=r.info.run_id):  # taken up again
        mlflow.log_metric("loss", 0.25, step=5)
    assert [m.value for m in client.get_metric_history(r.info.run_id, "loss")] == [0.5, 0.25]
    assert client.get_run(r.info.run_id).info.status == "FINISHED"
    client.log_metric(r.info.run_id, "late", 1.0)  # after its end
    check.raises("Changing param values", client.log_param, r.info.run_id, "lr", 0.2)
    check.raises("not found", client.get_run, "0" * 32)
    client.set_terminated(children[0].info.run_id, "KILLED")
    assert client.get_run(children[0].info.run_id).info.status == "KILLED"
    client.update_run(children[0].info.run_id, name="renamed")
    client.set_tag(children[1].info.run_id, "mlflow.runName", "by tag")
    client.set_tag(children[1].info.run_id, "mlflow.note.content", "noted")
    assert client.get_run(children[0].info.run_id).info.run_name == "renamed"
    assert client.get_run(children[1].info.run_id).info.run_name == "by tag"
    assert client.get_run(children[1].info.run_id).data.tags["mlflow.note.content"] == "noted"
    client.delete_tag(r.info.run_id, "one")
    check.raises("No tag with name: one", client.delete_tag, r.info.run_id, "one")
    client.delete_run(r.info.run_id)
    check.raises("must be in the 'active' state", client.log_metric, r.info.run_id, "loss", 1)
    assert client.get_run(r.info.run_id).info.lifecycle_stage == "deleted"
    client.restore_run(r.info.run_id)


def check_batches():
    run = client.create_run(client.create_experiment("batches"))
    id = run.info.run_id
    now = int(time.time() * 1000)
    client.log_batch(
        id,
        metrics=[Metric(f"m{i % 10}", i / 3, now + i, i) for i in range(1000)],
    )
    client.log_batch(id, params=[Param(f"p{i}", str(i)) for i in range(100)], tags=[RunTag(f"t{i}", "v") for i in range(100)])
    r = client.get_run(id)
    assert len(r.data.metrics) == 10 and len(r.data.params) == 100 and len(r.data.tags) >= 100
    assert len(client.get_metric_history(id, "m3")) == 100
    store = client._tracking_client.store  # the client itself would make two batches of it
    check.raises("at most 1000 metrics", store.log_batch, id, params=[], tags=[], metrics=[Metric("m", 1, 1, i) for i in range(1001)])
    check.raises("Duplicate parameter keys", client.log_batch, id, params=[Param("x", "1"), Param("x", "2")])
    check.raises("Names may only contain", client.log_batch, id, params=[Param("ok", "1"), Param("a$b", "2")])
    assert "ok" not in client.get_run(id).data.params, "a batch is all or nothing"
    client.log_metric(id, "big", 1.5, timestamp=9007199254740993, step=-9007199254740993)
    (big,) = client.get_metric_history(id, "big")
    assert big.timestamp == 9007199254740993 and big.step == -9007199254740993


def check_search():
    mlflow.set_experiment("search")
    for i in range(12):
        with mlflow.start_run(run_name=f"r{i:02}"):
            mlflow.log_param("group", "ab"[i % 2])
            mlflow.log_metric("score", i / 10)
            mlflow.set_tag("even", str(i % 2 == 0))
    frame = mlflow.search_runs(experiment_names=["search"])
    assert isinstance(frame, pd.DataFrame) and len(frame) == 12
    assert {"run_id", "params.group", "metrics.score", "tags.even", "artifact_uri"} <= set(frame.columns), frame.columns
    frame = mlflow.search_runs(
        experiment_names=["search"],
        filter_string="metrics.score >= 0.5 and params.group = 'a' and tags.even ILIKE 'true'",
        order_by=["metrics.score DESC"],
    )
    assert list(frame["tags.mlflow.runName"]) == ["r10", "r08", "r06"], frame
    id = client.get_experiment_by_name("search").experiment_id
    names, token = [], None
    while True:
        page = client.search_runs([id], order_by=["attributes.run_name ASC"], max_results=5, page_token=token)
        names += [r.info.run_name for r in page]
        token = page.token
        if not token:
            break
    assert names == [f"r{i:02}" for i in range(12)], names
    ids = ", ".join(f"'{i}'" for i in list(frame["run_id"])[:2])
    assert len(client.search_runs([id], f"attributes.run_id IN ({ids})")) == 2
    check.raises("Invalid", client.search_runs, [id], "metrix.score > 1")
    assert len(client.search_runs([id], "tags.`mlflow.runName` = 'r03'")) == 1
    assert len(client.search_runs([id], "attributes.run_name LIKE 'r0%' and status = 'FINISHED'")) == 10


def check_datasets():
    mlflow.set_experiment("datasets")
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    data = mlflow.data.from_pandas(frame, source="https://example.org/d.csv", name="points", targets="y")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training", tags={"k": "v"})
        mlflow.log_input(data, context="training")
    (entry,) = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert entry.dataset.name == "points" and entry.dataset.digest == data.digest
    assert json.loads(entry.dataset.profile)["num_rows"] == 2
    assert {t.key: t.value for t in entry.tags}["mlflow.data.context"] == "training"
    assert len(mlflow.search_runs(experiment_names=["datasets"], filter_string="dataset.name = 'points'")) == 1
    assert len(mlflow.search_runs(experiment_names=["datasets"], filter_string="datasets.context = 'eval'")) == 0


def check_artifacts():
    mlflow.set_experiment("artifacts")
    with tempfile.TemporaryDirectory() as tmp, mlflow.start_run() as run:
        root = Path(tmp)
        (root / "dir" / "sub").mkdir(parents=True)
        (root / "dir" / "a.txt").write_text("alpha")
        (root / "dir" / "sub" / "b ü.txt").write_text("beta")
        (root / "empty").write_bytes(b"")
        mlflow.log_artifact(root / "empty")
        mlflow.log_artifacts(root / "dir", "tree")
        mlflow.log_text("text", "notes/text.txt")
        mlflow.log_dict({"a": [1, 2]}, "config.json")
        id = run.info.run_id
        assert sorted(f.path for f in client.list_artifacts(id)) == ["config.json", "empty", "notes", "tree"]
        listed = client.list_artifacts(id, "tree")
        assert [(f.path, f.is_dir, f.file_size) for f in listed] == [("tree/a.txt", False, 5), ("tree/sub", True, None)], listed
        assert client.list_artifacts(id, "nothing") == []
        got = Path(client.download_artifacts(id, "", str(root / "." / "empty").removesuffix("empty")))
        assert (got / "tree" / "sub" / "b ü.txt").read_text() == "beta" and (got / "empty").read_bytes() == b""
        assert mlflow.artifacts.load_text(f"runs:/{id}/notes/text.txt") == "text"
        assert mlflow.artifacts.load_dict(f"runs:/{id}/config.json") == {"a": [1, 2]}
        uri = mlflow.get_artifact_uri("tree/a.txt")
        assert uri.startswith("mlflow-artifacts:/"), uri
        assert Path(mlflow.artifacts.download_artifacts(artifact_uri=uri)).read_text() == "alpha"
        try:
            mlflow.artifacts.download_artifacts(run_id=id, artifact_path="no such file")
        except Exception as e:  # noqa: BLE001
            assert "No such artifact" in str(e) or "no such file" in str(e).lower(), e
        else:
            raise AssertionError("a missing file was downloaded")


def check_located_artifacts():
    id = client.create_experiment("located", artifact_location="mlflow-artifacts:/elsewhere")
    run = client.create_run(id)
    client.log_text(run.info.run_id, "there", "a/t.txt")
    assert [f.path for f in client.list_artifacts(run.info.run_id)] == ["a"]
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/a/t.txt") == "there"


def check_large_artifact():
    size = 20 << 20
    if not mlflow.__version__.startswith("2."):  # one client with a large one is enough
        size = int(os.environ.get("MLOPS_TEST_ARTIFACT_BYTES", size))
    mlflow.set_experiment("artifacts")
    with tempfile.TemporaryDirectory() as tmp, mlflow.start_run() as run:
        path = Path(tmp) / "large.bin"
        block = os.urandom(1 << 20)
        with path.open("wb") as f:
            for i in range(size >> 20):
                f.write(i.to_bytes(8, "big") + block[8:])
        start = time.monotonic()
        mlflow.log_artifact(path)
        up = time.monotonic() - start
        got = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="large.bin")
        print(f"     {size >> 20} MiB: up {up:.2f}s, down {time.monotonic() - start - up:.2f}s")
        with open(got, "rb") as a, path.open("rb") as b:
            while block := b.read(1 << 20):
                assert a.read(1 << 20) == block
            assert not a.read(1)


def check_async():
    mlflow.set_experiment("async")
    with mlflow.start_run() as run:
        for i in range(200):
            mlflow.log_metric("loss", 1 / (i + 1), step=i, synchronous=False)
        mlflow.log_params({f"p{i}": i for i in range(20)}, synchronous=False)
        mlflow.flush_async_logging()
    assert len(client.get_metric_history(run.info.run_id, "loss")) == 200
    assert len(client.get_run(run.info.run_id).data.params) == 20


def check_registry():
    mlflow.set_experiment("registered")
    client.create_registered_model("plain", tags={"t": "1"}, description="d")
    check.raises("already exists", client.create_registered_model, "plain")
    with mlflow.start_run() as run:
        mlflow.log_text("weights", "model/w.txt")
    v = client.create_model_version("plain", f"{run.info.artifact_uri}/model", run.info.run_id, tags={"x": "y"}, description="first")
    assert v.version in (1, "1") and v.status == "READY" and v.run_id == run.info.run_id
    client.create_model_version("plain", f"runs:/{run.info.run_id}/model", run.info.run_id)
    client.set_registered_model_alias("plain", "champion", 1)
    assert int(client.get_model_version_by_alias("plain", "champion").version) == 1
    assert client.get_registered_model("plain").aliases == {"champion": "1"}
    client.set_model_version_tag("plain", "1", "k", "v")
    client.delete_model_version_tag("plain", "1", "x")
    assert client.get_model_version("plain", "1").tags == {"k": "v"}
    client.update_model_version("plain", "1", "changed")
    client.transition_model_version_stage("plain", "1", "Staging")
    assert [int(m.version) for m in client.get_latest_versions("plain", ["Staging"])] == [1]
    assert [int(m.version) for m in client.search_model_versions("name = 'plain'")] == [1, 2]
    assert [m.name for m in client.search_registered_models("name LIKE 'pla%'")] == ["plain"]
    got = mlflow.artifacts.download_artifacts(artifact_uri="models:/plain@champion")
    assert (Path(got) / "w.txt").read_text() == "weights"
    client.rename_registered_model("plain", "simple")
    client.delete_model_version("simple", "2")
    check.raises("not found", client.get_model_version, "simple", "2")
    client.delete_registered_model_alias("simple", "champion")
    client.delete_registered_model("simple")
    check.raises("not found", client.get_registered_model, "simple")


if __name__ == "__main__":
    check.run(sys.modules[__name__])
