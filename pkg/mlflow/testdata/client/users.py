"""Users and permissions by MLflow's AuthServiceClient, as its documentation shows."""

import os

os.environ["MLFLOW_TRACKING_USERNAME"] = "root"
os.environ["MLFLOW_TRACKING_PASSWORD"] = "correct horse battery"

import sys
import types

import mlflow.server
from mlflow.exceptions import MlflowException

# The client alone: the package around it is the server, which wants more than MLflow installs.
package = types.ModuleType("mlflow.server.auth")
package.__path__ = [os.path.join(os.path.dirname(mlflow.server.__file__), "auth")]
sys.modules["mlflow.server.auth"] = package
from mlflow.server.auth.client import AuthServiceClient

client = AuthServiceClient(os.environ["MLFLOW_TRACKING_URI"])
user = client.create_user("ann", "a long pass phrase")
assert (user.username, user.is_admin) == ("ann", False), user.to_json()
assert client.get_user("ann").id == user.id
try:
    client.create_user("ann", "a long pass phrase")
except MlflowException as e:
    assert e.error_code == "RESOURCE_ALREADY_EXISTS", e
else:
    raise AssertionError("made twice")
try:
    client.get_user("bob")
except MlflowException as e:
    assert e.error_code == "RESOURCE_DOES_NOT_EXIST", e

experiment = mlflow.create_experiment("shared")
client.grant_user_permission("ann", "experiment", experiment, "EDIT")
got = client.get_user_permission("ann", "experiment", experiment)
assert (got.allowed, got.permission) == (True, "EDIT"), got

os.environ["MLFLOW_TRACKING_USERNAME"] = "ann"
os.environ["MLFLOW_TRACKING_PASSWORD"] = "a long pass phrase"
with mlflow.start_run(experiment_id=experiment):
    mlflow.log_metric("loss", 1)
try:
    mlflow.create_experiment("not mine to make")
except MlflowException as e:
    assert e.error_code == "PERMISSION_DENIED", e
else:
    raise AssertionError("a reader made an experiment")
client.update_user_password("ann", "another pass phrase", current_password="a long pass phrase")
os.environ["MLFLOW_TRACKING_PASSWORD"] = "another pass phrase"
assert client.get_user("ann").username == "ann"

os.environ["MLFLOW_TRACKING_USERNAME"] = "root"
os.environ["MLFLOW_TRACKING_PASSWORD"] = "correct horse battery"
client.revoke_user_permission("ann", "experiment", experiment)
assert client.get_user_permission("ann", "experiment", experiment).permission == "READ"
client.update_user_admin("ann", True)
assert client.get_user("ann").is_admin
client.update_user_admin("ann", False)
client.delete_user("ann")
