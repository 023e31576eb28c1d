package migrate_test

import (
	"testing"

	"github.com/mlops-cli/mlops/pkg/migrate"
	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// What DVC recorded of a URL is what the server says to us.
func TestRecordsOfURLs(t *testing.T) {
	t.Parallel()
	d := newTheirs(t)
	d.write("dvc.lock", `schema: '2.0'
stages:
  get:
    cmd: get
    deps:
    - path: https://example.com/x
      checksum: '"abc"'
      size: 3
    - path: s3://bucket/x
      etag: 9bb58f26192e4ba00f01e2e7b136bbd8
      size: 4
    - path: gs://bucket/x
      etag: 08b5ecb8a1d5f2ef0210c0
      size: 5
`)
	s := &stagefile.Stage{Name: "get", File: "dvc.yaml", Wdir: "."}
	got, err := migrate.NewReader(d.open()).Records(t.Context(), "mlops.lock", []*stagefile.Stage{s})
	if err != nil {
		t.Fatal(err)
	}
	want := []stagefile.Asset{
		stagefile.URLAsset("https://example.com/x", 3, `etag "abc"`),
		stagefile.URLAsset("s3://bucket/x", 4, `etag "9bb58f26192e4ba00f01e2e7b136bbd8"`),
		stagefile.URLAsset("gs://bucket/x", 5, "etag CLXsuKHV8u8CEMA="),
	}
	if len(got["get"].Deps) != len(want) {
		t.Fatalf("records are %+v", got)
	}
	for i, a := range got["get"].Deps {
		if a != want[i] {
			t.Errorf("%s is %+v, want %+v", a.Path, a, want[i])
		}
	}
}
