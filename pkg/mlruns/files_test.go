package mlruns_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/mlruns"
	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
)

// bucket is one in memory that counts what it is asked.
type bucket struct {
	remote.Bucket
	objects       map[string]string
	fails         error
	lists, closes int
}

func (b *bucket) List(_ context.Context, prefix, _ string) (page []remote.Object, next string, err error) {
	b.lists++
	for key, text := range b.objects {
		if strings.HasPrefix(key, prefix) {
			page = append(page, remote.Object{Key: key, Size: int64(len(text))})
		}
	}
	return page, "", b.fails
}

func (b *bucket) Get(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b.objects[key])), nil
}

func (b *bucket) Close() error {
	b.closes++
	return nil
}

// twoRuns writes a folder of two runs whose files are behind a server.
func twoRuns(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1/meta.yaml": "experiment_id: '1'\nname: wine\n",
		"1/" + strings.Repeat("a", 32) + "/meta.yaml": "run_id: " + strings.Repeat("a", 32) + "\nrun_name: one\nexperiment_id: '1'\nstatus: 3\nstart_time: 1\nend_time: 2\nartifact_uri: mlflow-artifacts:/1/a\n",
		"1/" + strings.Repeat("b", 32) + "/meta.yaml": "run_id: " + strings.Repeat("b", 32) + "\nrun_name: two\nexperiment_id: '1'\nstatus: 3\nstart_time: 1\nend_time: 2\nartifact_uri: s3://store/x/1/b\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (h here) takeFrom(t *testing.T, b *bucket, artifacts string) (res mlruns.ImportResult, opened []string) {
	t.Helper()
	s, err := mlruns.Open(t.Context(), twoRuns(t), mlruns.OpenOptions{Artifacts: artifacts, Bucket: func(_ context.Context, url string) (remote.Bucket, error) {
		opened = append(opened, url)
		return b, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	res, err = mlruns.NewImporter(s, h.Target, progress.Nop{}).Import(t.Context(), mlruns.ImportRequest{})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	return res, opened
}

// What follows ? in --artifacts says how the bucket is reached, also where MLflow
// names a place of the same bucket; it is no part of a path.
func TestArtifactsInABucketWithOptions(t *testing.T) {
	t.Parallel()
	h := newHere(t)
	b := &bucket{objects: map[string]string{"x/1/a/one.txt": "one", "x/1/b/two.txt": "two", "x/1/c/else.txt": "else"}}
	res, opened := h.takeFrom(t, b, "s3://store/x/?endpoint=http://127.0.0.1:1")
	if len(res.Problems) > 0 || res.Files != 2 || h.content(t, h.runNamed(t, "one"), "one.txt") != "one" || h.content(t, h.runNamed(t, "two"), "two.txt") != "two" {
		t.Errorf("%+v", res)
	}
	if len(opened) != 1 || opened[0] != "s3://store?endpoint=http://127.0.0.1:1" || b.closes != 1 {
		t.Errorf("opened %q, closed %d times", opened, b.closes)
	}
}

// A bucket that cannot be listed is asked once, not once for each run.
func TestABucketThatFailsIsAskedOnce(t *testing.T) {
	t.Parallel()
	b := &bucket{fails: errors.New("no such bucket")}
	res, _ := newHere(t).takeFrom(t, b, "s3://store/x")
	if len(res.Problems) != 2 || res.Runs.New != 2 || b.lists > 2 { // both runs may ask at once
		t.Errorf("%d times: %+v", b.lists, res)
	}
}
