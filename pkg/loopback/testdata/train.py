"""A training script as people write it: it knows nothing of where it runs."""
import mlflow
import mlflow.sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

mlflow.set_experiment("iris")
mlflow.autolog()
X, y = load_iris(return_X_y=True, as_frame=True)

with mlflow.start_run(run_name="ignored") as run:
    print("run", run.info.run_id)
    model = LogisticRegression(max_iter=200).fit(X, y)
    for step in range(3):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_text("hello", "notes/hello.txt")
    with mlflow.start_run(nested=True, run_name="fold"):
        mlflow.log_metric("fold_acc", 0.5)

mlflow.sklearn.autolog(disable=True)
with mlflow.start_run(run_name="another") as other:
    mlflow.log_param("solver", "none")
print("other", other.info.run_id)
