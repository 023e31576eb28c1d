"""The mlflow command line, in one process: its import takes seconds."""

import json
import sys
import tempfile
from pathlib import Path

from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.cli import cli

import check

client = MlflowClient()


def mlflow(*args):
    result = CliRunner().invoke(cli, [str(a) for a in args], catch_exceptions=False)
    assert result.exit_code == 0, f"mlflow {args}: {result.output}"
    return result.output


def check_experiments():
    mlflow("experiments", "create", "--experiment-name", "by hand")
    id = client.get_experiment_by_name("by hand").experiment_id
    assert "by hand" in mlflow("experiments", "search")
    mlflow("experiments", "rename", "--experiment-id", id, "--new-name", "by foot")
    mlflow("experiments", "delete", "--experiment-id", id)
    assert "by foot" in mlflow("experiments", "search", "--view", "deleted_only")
    mlflow("experiments", "restore", "--experiment-id", id)


def check_runs_and_artifacts():
    id = client.create_experiment("kept")
    run = client.create_run(id, run_name="one").info.run_id
    client.log_metric(run, "loss", 0.5)
    assert run in mlflow("runs", "list", "--experiment-id", id)
    assert json.loads(mlflow("runs", "describe", "--run-id", run))["data"]["metrics"]["loss"] == 0.5
    with tempfile.TemporaryDirectory() as tmp:
        (Path(tmp) / "a.txt").write_text("alpha")
        mlflow("artifacts", "log-artifact", "--local-file", Path(tmp) / "a.txt", "--run-id", run, "--artifact-path", "d")
        mlflow("artifacts", "log-artifacts", "--local-dir", tmp, "--run-id", run)
        listed = json.loads(mlflow("artifacts", "list", "--run-id", run))
        assert [f["path"] for f in listed] == ["a.txt", "d"], listed
        mlflow("artifacts", "download", "--run-id", run, "--artifact-path", "d/a.txt", "--dst-path", Path(tmp) / "got")
        (got,) = (Path(tmp) / "got").rglob("a.txt")
        assert got.read_text() == "alpha"
        mlflow("experiments", "csv", "--experiment-id", id, "--filename", Path(tmp) / "runs.csv")
        assert "metrics.loss" in (Path(tmp) / "runs.csv").read_text()
    mlflow("runs", "delete", "--run-id", run)
    assert run in mlflow("runs", "list", "--experiment-id", id, "--view", "deleted_only")
    mlflow("runs", "restore", "--run-id", run)


if __name__ == "__main__":
    check.run(sys.modules[__name__])
