"""What data scientists do with MLflow 2: models are artifacts of runs."""

import json
import sys
import warnings

import mlflow
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import check

warnings.filterwarnings("ignore")
client = MlflowClient()
x, y = load_iris(return_X_y=True, as_frame=True)


def check_autolog():
    mlflow.set_experiment("autolog")
    mlflow.sklearn.autolog(registered_model_name="flowers")
    with mlflow.start_run() as run:
        LogisticRegression(max_iter=200).fit(x, y)
    mlflow.sklearn.autolog(disable=True)
    r = client.get_run(run.info.run_id)
    assert r.data.params["max_iter"] == "200" and r.data.metrics["training_accuracy_score"] > 0.9
    assert r.inputs.dataset_inputs, "the training data were not logged"
    (model,) = json.loads(r.data.tags["mlflow.log-model.history"])
    assert model["artifact_path"] == "model" and "sklearn" in model["flavors"], model
    for uri in (f"runs:/{run.info.run_id}/model", "models:/flowers/1", "models:/flowers/latest"):
        assert mlflow.sklearn.load_model(uri).score(x, y) > 0.9, uri
    assert mlflow.pyfunc.load_model("models:/flowers/1").predict(x[:1])[0] == 0


def check_log_model():
    mlflow.set_experiment("by hand")
    with mlflow.start_run() as run:
        info = mlflow.sklearn.log_model(LogisticRegression(max_iter=200).fit(x, y), "m", pip_requirements=["scikit-learn"])
    v = mlflow.register_model(info.model_uri, "plain")
    assert int(v.version) == 1 and v.run_id == run.info.run_id
    client.transition_model_version_stage("plain", "1", "Production")
    assert mlflow.sklearn.load_model("models:/plain/Production").predict(x[:1])[0] == 0


if __name__ == "__main__":
    check.run(sys.modules[__name__])
