"""What data scientists do with a whole MLflow 3: autolog, models, registry."""

import sys
import time
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

import check

warnings.filterwarnings("ignore")
client = MlflowClient()
x, y = load_iris(return_X_y=True, as_frame=True)


def check_autolog():
    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(log_input_examples=False)
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=200).fit(x, y)
    r = client.get_run(run.info.run_id)
    assert r.data.params["max_iter"] == "200" and r.data.metrics["training_accuracy_score"] > 0.9
    assert r.inputs.dataset_inputs, "the training data were not logged"
    assert r.outputs.model_outputs, "the model was not logged"
    model = mlflow.sklearn.load_model(f"models:/{r.outputs.model_outputs[0].model_id}")
    assert model.score(x, y) > 0.9
    logged = client.get_logged_model(r.outputs.model_outputs[0].model_id)
    assert logged.status == "READY" and logged.source_run_id == run.info.run_id
    assert "training_accuracy_score" in [m.key for m in logged.metrics]
    names = [f.path for f in client.list_artifacts(run.info.run_id)]
    assert "estimator.html" in names, names


def check_autolog_search():
    mlflow.sklearn.autolog(max_tuning_runs=3, log_models=False)
    mlflow.set_experiment("grid")
    with mlflow.start_run() as run:
        GridSearchCV(LogisticRegression(max_iter=300), {"C": [0.1, 1.0, 10.0]}, cv=2).fit(x, y)
    children = mlflow.search_runs(experiment_names=["grid"], filter_string=f"tags.mlflow.parentRunId = '{run.info.run_id}'")
    assert len(children) == 3, children
    mlflow.sklearn.autolog(disable=True)


class Adder(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input.sum(axis=1) + (params or {}).get("offset", 0)


def check_pyfunc():
    mlflow.set_experiment("pyfunc")
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    with mlflow.start_run() as run:
        info = mlflow.pyfunc.log_model(
            name="adder", python_model=Adder(), signature=infer_signature(frame, np.array([4.0, 6.0]), {"offset": 0}),
            input_example=frame, registered_model_name="adder", pip_requirements=["numpy"], params={"how": "sum"}, tags={"t": "1"},
        )
    assert list(mlflow.pyfunc.load_model(info.model_uri).predict(frame)) == [4.0, 6.0]
    for uri in ("models:/adder/1", "models:/adder/latest", f"runs:/{run.info.run_id}/adder"):
        assert list(mlflow.pyfunc.load_model(uri).predict(frame, params={"offset": 1})) == [5.0, 7.0], uri
    client.set_registered_model_alias("adder", "champion", "1")
    loaded = mlflow.pyfunc.load_model("models:/adder@champion")
    assert loaded.metadata.signature.inputs.input_names() == ["a", "b"]
    model = client.get_logged_model(info.model_id)
    assert model.params == {"how": "sum"} and model.tags["t"] == "1" and "adder" in model.tags["mlflow.modelVersions"]
    (found,) = mlflow.search_logged_models(
        experiment_ids=[model.experiment_id], filter_string="name = 'adder' and params.how = 'sum'", output_format="list",
    )
    assert found.model_id == info.model_id
    assert mlflow.models.get_model_info("models:/adder/1").signature is not None


def check_logged_models():
    id = client.create_experiment("logged")
    mlflow.set_experiment(experiment_id=id)
    models = [mlflow.initialize_logged_model(name=f"m{i}", params={"i": str(i)}) for i in range(3)]
    with mlflow.start_run():
        data = mlflow.data.from_pandas(pd.DataFrame({"x": [1]}), name="d")
        for i, m in enumerate(models):
            mlflow.log_metric("score", i / 10, model_id=m.model_id, dataset=data)
    client.finalize_logged_model(models[0].model_id, "READY")
    client.set_logged_model_tags(models[0].model_id, {"a": "b"})
    client.delete_logged_model_tag(models[0].model_id, "a")
    frame = mlflow.search_logged_models(
        experiment_ids=[id], filter_string="metrics.score > 0.05", datasets=[{"dataset_name": "d", "dataset_digest": data.digest}],
        order_by=[{"field_name": "metrics.score", "ascending": False}],
    )
    assert list(frame["name"]) == ["m2", "m1"], frame
    page = client.search_logged_models([id], max_results=2)
    assert len(page) == 2 and page.token
    assert len(client.search_logged_models([id], max_results=2, page_token=page.token)) == 1
    client.delete_logged_model(models[2].model_id)
    check.raises("not found", client.get_logged_model, models[2].model_id)


def check_register_from_run():
    mlflow.set_experiment("register")
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(LogisticRegression(max_iter=200).fit(x, y), name="model", input_example=x[:2], pip_requirements=["scikit-learn"])
    v = mlflow.register_model(f"runs:/{run.info.run_id}/model", "flowers", tags={"k": "v"})
    assert v.version in (1, "1") and v.run_id == run.info.run_id
    assert mlflow.sklearn.load_model("models:/flowers/1").predict(x[:1]) == [0]
    copy = client.copy_model_version("models:/flowers/1", "copied")
    assert copy.source == "models:/flowers/1", copy.source
    assert mlflow.sklearn.load_model("models:/copied/1").predict(x[:1]) == [0]
    client.set_registered_model_alias("flowers", "live", v.version)
    path = Path(mlflow.artifacts.download_artifacts("models:/flowers@live"))
    assert (path / "MLmodel").exists()


def check_evaluation_images():
    mlflow.set_experiment("images")
    with mlflow.start_run() as run:
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "zeros.png")
        mlflow.log_image(np.ones((4, 4), dtype=np.uint8), key="dog", step=1)
        mlflow.log_table({"question": ["a"], "answer": ["b"]}, "qa.json")
        mlflow.log_table({"question": ["c"], "answer": ["d"]}, "qa.json")
    assert len(mlflow.load_table("qa.json", run_ids=[run.info.run_id])) == 2


def check_system_metrics():
    mlflow.set_experiment("system")
    mlflow.set_system_metrics_sampling_interval(0.2)
    mlflow.set_system_metrics_samples_before_logging(1)
    with mlflow.start_run(log_system_metrics=True) as run:
        time.sleep(1)
    keys = client.get_run(run.info.run_id).data.metrics
    assert "system/cpu_utilization_percentage" in keys, keys
    assert client.get_metric_history(run.info.run_id, "system/system_memory_usage_megabytes")


def check_prompts():
    mlflow.genai.register_prompt("greeting", "Hello {{name}}")
    assert mlflow.genai.load_prompt("prompts:/greeting/1").format(name="you") == "Hello you"
    assert "greeting" not in [m.name for m in client.search_registered_models()]


if __name__ == "__main__":
    check.run(sys.modules[__name__])
