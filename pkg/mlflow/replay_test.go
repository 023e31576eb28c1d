package mlflow_test

import (
	"os"
	"testing"
)

// TestRecord writes down what the reference server at
// MLOPS_MLFLOW_SERVER answers.
func TestRecord(t *testing.T) {
	base := os.Getenv("MLOPS_MLFLOW_SERVER")
	if base == "" || os.Getenv("MLOPS_UPDATE") == "" {
		t.Skip("MLOPS_MLFLOW_SERVER and MLOPS_UPDATE are not set")
	}
	writeAnswers(t, play(t, base))
}
