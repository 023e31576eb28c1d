"""Writes a small source of every kind of thing with the MLflow that is installed.

    MLFLOW_ALLOW_FILE_STORE=true python make.py file:///tmp/mlruns
    python make.py sqlite:////tmp/mlflow.db /tmp/mlartifacts

The sources beside this file were made so; ids and times are those of that day.
"""
import math, os, sys
import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

uri = sys.argv[1]
mlflow.set_tracking_uri(uri)
mlflow.set_registry_uri(uri)
client = MlflowClient()
where = {"artifact_location": "file://" + sys.argv[2] + "/wine"} if len(sys.argv) > 2 else {}
wine = client.create_experiment("wine", tags={"team": "cellar"}, **where)
gone = client.create_experiment("gone")
T = 1700000000000

parent = client.create_run(wine, start_time=T, run_name="search", tags={
    "mlflow.user": "ann", "mlflow.source.name": "train.py", "mlflow.source.type": "LOCAL",
    "mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567", "mlflow.note.content": "# Search\nThe *best* so far."})
client.log_param(parent.info.run_id, "grid", "3x3")
kids = []
for i in range(2):
    run = client.create_run(wine, start_time=T + 1000 * (i + 1), run_name=f"try-{i}", tags={"mlflow.parentRunId": parent.info.run_id, "mlflow.user": "ann"})
    kids.append(run)
    id = run.info.run_id
    client.log_batch(id, metrics=[Metric("loss", 1.0 / (s + 1) + i, T + s, s) for s in range(5)]
                     + [Metric("val/acc", 0.5, T, 0), Metric("val/acc", math.nan, T + 1, 1), Metric("odd", math.inf, T, -3), Metric("odd", 1e-300, T, 2**40)],
                     params=[Param("lr", "0.1"), Param("model/depth", str(i + 3)), Param("note", "naïve: ü\nline 2"), Param("empty", "")],
                     tags=[RunTag("stage/name", "tune"), RunTag("quoted", 'a "b" \'c\'')])
    with open("report.txt", "w") as f:
        f.write("the same for all\n")
    client.log_artifact(id, "report.txt", "reports/daily")
    client.log_dict(id, {"i": i}, "conf.json")
    data = mlflow.data.from_numpy(__import__("numpy").array([[1.0, 2.0], [3.0, 4.0 + i]]), name="wine-data")
    from mlflow.entities import DatasetInput, InputTag
    client.log_inputs(id, [DatasetInput(data._to_mlflow_entity(), [InputTag("mlflow.data.context", "train")])])
    client.set_terminated(id, "FINISHED" if i == 0 else "FAILED", T + 60000)
client.set_terminated(parent.info.run_id, "KILLED", T + 90000)
still = client.create_run(wine, start_time=T + 5000, run_name="still")
trash = client.create_run(wine, start_time=T + 6000, run_name="trash")
client.log_metric(trash.info.run_id, "loss", 9, T)
client.set_terminated(trash.info.run_id, "FINISHED", T + 7000)
client.delete_run(trash.info.run_id)
lost = client.create_run(gone, start_time=T, run_name="lost")
client.set_terminated(lost.info.run_id, "FINISHED", T + 1)
client.delete_experiment(gone)

best = kids[0].info.run_id
client.log_text(best, "flavors: {}\n", "model/MLmodel")
client.create_registered_model("wine-model", tags={"task": "regression"}, description="Quality of wine")
v1 = client.create_model_version("wine-model", f"{client.get_run(best).info.artifact_uri}/model", best, description="first")
client.set_model_version_tag("wine-model", "1", "checked", "yes")
client.transition_model_version_stage("wine-model", "1", "Production")
client.create_model_version("wine-model", f"{client.get_run(best).info.artifact_uri}/model", best)
client.set_registered_model_alias("wine-model", "champion", "2")
client.create_model_version("wine-model", f"{client.get_run(best).info.artifact_uri}/model", best)
client.delete_model_version("wine-model", "3")
client.create_registered_model("empty-model")

if hasattr(client, "create_logged_model"):
    m = client.create_logged_model(wine, name="tree", source_run_id=best, model_type="classifier",
                                   params={"depth": "3"}, tags={"kind": "cart"})
    with open("MLmodel", "w") as f:
        f.write("flavors: {}\nmodel_id: x\n")
    os.makedirs("logged", exist_ok=True)
    os.replace("MLmodel", "logged/MLmodel")
    client.log_model_artifacts(m.model_id, "logged")
    client.log_metric(best, "auc", 0.9, timestamp=T, step=1, model_id=m.model_id, dataset_name="wine-data", dataset_digest="abc")
    client.finalize_logged_model(m.model_id, "READY")
    from mlflow.entities import LoggedModelOutput, LoggedModelInput
    client.log_outputs(best, [LoggedModelOutput(m.model_id, 4)])
    client.log_inputs(kids[1].info.run_id, models=[LoggedModelInput(m.model_id)])
    client.create_model_version("wine-model", f"models:/{m.model_id}", best, model_id=m.model_id)
