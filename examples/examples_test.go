package examples_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/examples"
)

func TestDigitsAreTheBytesOfTheirSource(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for _, name := range []string{"digits-1.csv", "digits-2.csv", "digits-3.csv"} {
		data, err := examples.Digits.ReadFile("digits/data/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sum.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	const source = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"
	if got := hex.EncodeToString(sum.Sum(nil)); got != source {
		t.Fatalf("the joined files have SHA-256 %s, want %s", got, source)
	}
}

// The stages must work without mlops, and give the same files every time.
func TestDigitsLearnAndRepeat(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("NOT RUN: python3 is not installed")
	}
	first, second := runDigits(t, python), runDigits(t, python)
	for _, name := range []string{"prepared/train.csv", "model.json", "metrics.json", "plots/learning_curve.csv", "plots/confusion.csv"} {
		if a, b := read(t, first, name), read(t, second, name); string(a) != string(b) {
			t.Errorf("%s differs between two runs of the same code", name)
		}
	}
	var metrics struct {
		Test struct{ Accuracy, Loss, Images float64 }
	}
	if err := json.Unmarshal(read(t, first, "metrics.json"), &metrics); err != nil {
		t.Fatal(err)
	}
	if m := metrics.Test; m.Accuracy < 0.93 || m.Images < 400 || m.Images > 500 {
		t.Errorf("metrics are %+v, want an accuracy of 0.93 or more on a quarter of the images", m)
	}
}

// runDigits runs the three stages in a copy of the example and returns it.
func runDigits(t *testing.T, python string) string {
	t.Helper()
	project, err := fs.Sub(examples.Digits, "digits")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, project); err != nil {
		t.Fatal(err)
	}
	for _, stage := range []string{"prepare", "train", "evaluate"} {
		c := exec.CommandContext(t.Context(), python, filepath.Join("src", stage+".py"))
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", stage, err, out)
		}
	}
	return dir
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
