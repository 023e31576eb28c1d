package transfer_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mlops-cli/mlops/pkg/progress"
	"github.com/mlops-cli/mlops/pkg/remote"
	"github.com/mlops-cli/mlops/pkg/remote/cloud"
	"github.com/mlops-cli/mlops/pkg/remote/file"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// The benchmarks move 100,000 files of 4 KiB; run them with -benchtime 1x.

func benchSite(b *testing.B) (*repo.Repo, string) {
	b.Helper()
	dir := b.TempDir()
	if _, err := repo.Init(b.Context(), dir, repo.InitOptions{NoGit: true}); err != nil {
		b.Fatal(err)
	}
	r, err := repo.Find(b.Context(), dir)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r, dir
}

func benchData(b *testing.B, r *repo.Repo) repo.Object {
	b.Helper()
	st, err := r.Store(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	batch, err := st.NewBatch(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	var dirs []tree.Entry
	for d := range 100 {
		var files []tree.Entry
		for f := range 1000 {
			data := blob(uint64(d*1000+f), 4096)
			id, err := batch.PutBytes(data)
			if err != nil {
				b.Fatal(err)
			}
			files = append(files, tree.Entry{Name: fmt.Sprintf("f%04d", f), Kind: tree.File, Size: 4096, Files: 1, ID: id})
		}
		e, err := tree.Build(batch, files)
		if err != nil {
			b.Fatal(err)
		}
		e.Name = fmt.Sprintf("d%02d", d)
		dirs = append(dirs, e)
	}
	root, err := tree.Build(batch, dirs)
	if err != nil {
		b.Fatal(err)
	}
	if err := batch.Commit(); err != nil {
		b.Fatal(err)
	}
	if err := batch.Close(); err != nil {
		b.Fatal(err)
	}
	return repo.Object{Path: "data", Kind: tree.Dir, ID: root.ID, Size: root.Size, Files: root.Files}
}

func benchRemote(b *testing.B, open func() remote.Bucket) {
	r, _ := benchSite(b)
	data := benchData(b, r)
	b.Run("push", func(b *testing.B) {
		for range b.N {
			t := transfer.New(r, remote.NewConn(open(), remote.Options{}), "origin", progress.Nop{})
			s, err := t.Push(b.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Requests), "requests")
		}
	})
	b.Run("no-op push", func(b *testing.B) {
		t := transfer.New(r, remote.NewConn(open(), remote.Options{}), "origin", progress.Nop{})
		for range b.N {
			s, err := t.Push(b.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
			if err != nil || s.Requests > 3 {
				b.Fatal(err, s)
			}
		}
	})
	b.Run("fetch", func(b *testing.B) {
		for range b.N {
			b.StopTimer()
			there, _ := benchSite(b)
			t := transfer.New(there, remote.NewConn(open(), remote.Options{}), "origin", progress.Nop{})
			b.StartTimer()
			s, err := t.Fetch(b.Context(), request(data))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(s.Requests), "requests")
		}
	})
}

func BenchmarkDirectory(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "remote")
	benchRemote(b, func() remote.Bucket {
		bk, err := file.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		return bk
	})
}

func BenchmarkS3(b *testing.B) {
	url := remotetest.S3URL(b)
	benchRemote(b, func() remote.Bucket {
		conn, err := remote.Open(b.Context(), url, remote.Options{}, cloud.Driver())
		if err != nil {
			b.Fatal(err)
		}
		return conn
	})
}
