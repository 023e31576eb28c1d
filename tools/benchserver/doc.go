// Command benchserver puts the same load on `mlops server` and on the reference
// MLflow server, on this machine:
//
//	go run -C tools ./benchserver -mlflow ~/venv/bin/mlflow
//	go run -C tools ./benchserver -rows create,metric -seconds 10
//
// Both keep their runs in SQLite, in fresh directories, and are asked over
// MLflow's REST protocol by 8 clients with connections that stay open. One is
// measured after the other; the client runs on the same cores and is part of what
// is measured. A server that is not on the machine is named, and its columns say
// so. It runs on Linux only.
package main
