package cloud_test

import (
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
)

// prefixed opens the bucket at raw with a prefix of its own for each call.
func prefixed(raw string) func(t *testing.T) remote.Bucket {
	var calls atomic.Int64
	return func(t *testing.T) remote.Bucket {
		t.Helper()
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/team/test-" + string(rune('a'+calls.Add(1)))
		b, err := cloud.Open(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestMemoryIsABucket(t *testing.T) {
	t.Parallel()
	remotetest.Suite(t, prefixed("mem://"))
}

func TestS3IsABucket(t *testing.T) {
	t.Parallel()
	remotetest.Suite(t, prefixed(remotetest.S3URL(t)))
}

func TestGoogleIsABucket(t *testing.T) {
	remotetest.Suite(t, prefixed(remotetest.GCS(t)))
}

func TestAzureIsABucket(t *testing.T) {
	remotetest.Suite(t, prefixed(remotetest.Azure(t)))
}

func TestErrorsSayWhatToSet(t *testing.T) {
	good := remotetest.S3URL(t)
	for name, c := range map[string]struct {
		url  string
		env  string
		hint string
	}{
		"no such bucket":       {strings.Replace(good, "s3://bucket", "s3://other", 1), "", `make the bucket "other"`},
		"wrong key":            {good, "wrong", "set AWS_ACCESS_KEY_ID"},
		"no such machine":      {"s3://bucket?endpoint=http://no-such-machine.invalid&use_path_style=true", "", "correct the endpoint"},
		"bucket in the host":   {"s3://bucket?endpoint=http://no-such-machine.invalid", "", "use_path_style=true"},
		"nothing listens":      {"s3://bucket?endpoint=http://127.0.0.1:1&use_path_style=true", "", "start the service"},
		"no such parameter":    {"s3://bucket?endpont=x", "", "docs/remotes.md"},
		"no bucket in the URL": {"s3:///prefix", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if c.env != "" {
				t.Setenv("AWS_SECRET_ACCESS_KEY", c.env)
			}
			conn, err := remote.Open(t.Context(), c.url, remote.Options{Attempts: 2, Backoff: time.Millisecond}, cloud.Driver())
			if err == nil {
				err = remote.Probe(t.Context(), conn)
			}
			if err == nil || !strings.Contains(strings.Join(errs.Hints(err), "\n"), c.hint) {
				t.Fatalf("%v\nhints %q, want %q", err, errs.Hints(err), c.hint)
			}
			if k := errs.KindOf(err); k != errs.Remote && k != errs.Usage {
				t.Errorf("kind %v of %v", k, err)
			}
		})
	}
}

// Without credentials nothing is written to stdout, which is for results.
func TestGoogleWithoutCredentials(t *testing.T) {
	for _, name := range []string{"GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST_GRPC"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("APPDATA", t.TempDir())
	_, err := remote.Open(t.Context(), "gs://bucket/x", remote.Options{Attempts: 1}, cloud.Driver())
	if err == nil || errs.KindOf(err) != errs.Remote || !strings.Contains(strings.Join(errs.Hints(err), "\n"), "gcloud auth application-default login") {
		t.Fatalf("%v\nhints %q", err, errs.Hints(err))
	}
	u, err := url.Parse("gs://bucket/x?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	b, err := cloud.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}
