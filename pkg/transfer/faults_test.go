package transfer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/fault"
	"github.com/mlops-cli/mlops/pkg/remote/remotetest"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/transfer"
)

func TestFaultyRemotesLoseNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]remotetest.Faults{
		"every third fails":   {Every: 3},
		"answers get lost":    {Lost: 2},
		"bodies break off":    {Truncate: 2},
		"all of it, and slow": {Every: 4, Lost: 3, Truncate: 3, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			files := many(1, 200)
			files["large"] = blob(77, 9<<20)
			files["middle"] = blob(78, 1<<20)
			data := a.dir("data", files)
			a.push(remotetest.NewFaulty(bk, f), data)
			b.fetch(remotetest.NewFaulty(bk, f), data)
			b.whole(data)
			names, err := os.ReadDir(filepath.Join(dir, "log"))
			check(t, err)
			if len(names) != 1 {
				t.Errorf("one push made %d log entries", len(names))
			}
		})
	}
}

func TestDeadRemotesSayWhatFailed(t *testing.T) {
	t.Parallel()
	for _, prefix := range []string{"mlops.json", "packs/", "idx/", "log/"} {
		a := newSite(t)
		bk, dir := bucket(t)
		data := a.dir("data", many(1, 50))
		dead := remotetest.NewFaulty(bk, remotetest.Faults{Dead: prefix})
		_, err := a.over(dead).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
		if !errs.Is(err, errs.Remote) || !strings.Contains(err.Error(), prefix) {
			t.Errorf("%s: %v", prefix, err)
		}
		if names, err := os.ReadDir(filepath.Join(dir, "log")); err == nil && len(names) > 0 {
			t.Errorf("%s: logged all the same", prefix)
		}
		// The same command, when the remote is well again, finishes.
		a.push(bk, data)
		b := newSite(t)
		b.fetch(bk, data)
		b.whole(data)
	}
}

func TestInterruptedAtEveryStep(t *testing.T) {
	t.Parallel()
	stop := errors.New("stopped here")
	at := func(t *testing.T, point string) context.Context {
		return fault.WithHook(t.Context(), func(p string) error {
			if p == point {
				return stop
			}
			return nil
		})
	}
	for _, point := range []string{"push.packs.uploaded", "push.idx.uploaded", "push.logged", "pull.fetched", "pull.adopted", "add.flushed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, _ := bucket(t)
			data := a.dir("data", many(1, 120))
			_, err := a.over(bk).Push(at(t, point), transfer.PushRequest{Objects: []repo.Object{data}})
			if strings.HasPrefix(point, "push.") != errors.Is(err, stop) {
				t.Fatalf("push: %v", err)
			}
			a.push(bk, data)
			_, err = b.over(bk).Fetch(at(t, point), request(data))
			if strings.HasPrefix(point, "push.") == errors.Is(err, stop) {
				t.Fatalf("fetch: %v", err)
			}
			b.fetch(bk, data)
			b.whole(data)
		})
	}
}

func TestDamageInTheRemoteIsNoticed(t *testing.T) {
	t.Parallel()
	for name, flip := range map[string]string{"pack": "packs/*/*", "index part": "idx/*", "log": "log/*", "manifest": "mlops.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			data := a.dir("data", many(1, 120))
			big := a.file("big", blob(7, 9<<20))
			a.push(bk, data, big)
			paths, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(flip)))
			check(t, err)
			for _, path := range paths {
				text, err := os.ReadFile(path)
				check(t, err)
				text[len(text)/2] ^= 0x10
				check(t, os.WriteFile(path, text, 0o600))
			}
			_, err = b.over(bk).Fetch(t.Context(), request(data, big))
			if err == nil {
				t.Fatal("damage was not noticed")
			}
			if k := errs.KindOf(err); k != errs.Corrupt && k != errs.Remote {
				t.Errorf("kind %v: %v", k, err)
			}
			if b.st.Has(big.ID) {
				b.whole(big)
			}
		})
	}
}

func TestLostCacheAndReplacedRemotes(t *testing.T) {
	t.Parallel()
	a := newSite(t)
	bk, dir := bucket(t)
	data := a.dir("data", many(1, 120))
	a.push(bk, data)
	cache := filepath.Join(a.r.MetaDir(), "tmp", "remotes")
	check(t, os.RemoveAll(cache))
	if s := a.push(bk, data); s.Objects != 0 {
		t.Errorf("without the cache everything is pushed again: %+v", s)
	}
	// The bucket is replaced by an empty one: everything is pushed again.
	check(t, os.Rename(dir, dir+".old"))
	if s := a.push(bk, data); s.Objects == 0 {
		t.Error("the cache of another remote was believed")
	}
	b := newSite(t)
	b.fetch(bk, data)
	b.whole(data)
	// The bucket is put back to an older state and grows again by others.
	more := a.dir("more", many(5000, 50))
	check(t, os.CopyFS(dir+".backup", os.DirFS(dir)))
	a.push(bk, more)
	check(t, os.Rename(dir, dir+".new"))
	check(t, os.Rename(dir+".backup", dir))
	b.push(bk, b.dir("else", many(7000, 50)))
	if s := a.push(bk, more); s.Objects == 0 {
		t.Error("an entry that is gone was believed")
	}
	c := newSite(t)
	c.fetch(bk, more)
	c.whole(more)
}

func TestNewerRemotesAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(dir string) error{
		"format":         func(dir string) error { return replace(dir, "mlops.json", `"mlops_remote": 1`, `"mlops_remote": 2`) },
		"read feature":   func(dir string) error { return replace(dir, "mlops.json", `"read": []`, `"read": ["chunks"]`) },
		"entry type":     func(dir string) error { return replace(dir, "log/*", `"type":"add"`, `"type":"condemn"`) },
		"entry features": func(dir string) error { return replace(dir, "log/*", `"packs"`, `"needs":["encryption"],"packs"`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newSite(t), newSite(t)
			bk, dir := bucket(t)
			data := a.dir("data", many(1, 20))
			a.push(bk, data)
			check(t, change(dir))
			_, err := b.over(bk).Fetch(t.Context(), request(data))
			_, perr := b.over(bk).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{data}})
			for _, err := range []error{err, perr} {
				if !errs.Is(err, errs.Remote) || !strings.Contains(strings.Join(errs.Hints(err), ""), "mlops") {
					t.Errorf("got %v, hints %q", err, errs.Hints(err))
				}
			}
		})
	}
	a, b := newSite(t), newSite(t)
	bk, dir := bucket(t)
	data := a.dir("data", many(1, 20))
	a.push(bk, data)
	check(t, replace(dir, "mlops.json", `"write": []`, `"write": ["chunks"]`))
	b.fetch(bk, data)
	if _, err := a.over(bk).Push(t.Context(), transfer.PushRequest{Objects: []repo.Object{a.file("f", []byte("x"))}}); !errs.Is(err, errs.Remote) {
		t.Errorf("a writer that does not know a feature wrote: %v", err)
	}
}

func replace(dir, glob, old, with string) error {
	paths, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(glob)))
	if err != nil || len(paths) != 1 {
		return fmt.Errorf("%s: %v, %w", glob, paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), old) {
		return fmt.Errorf("no %q in %s", old, text)
	}
	return os.WriteFile(paths[0], []byte(strings.Replace(string(text), old, with, 1)), 0o600)
}
