package pipeline_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/pipeline"
	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// fakeData is the files below a directory with objects in memory. A directory
// is the object that lists the files below it.
type fakeData struct {
	root     string
	mu       sync.Mutex
	locks    sync.Mutex
	shared   *fakeData // has the objects and their lock; nil: this one
	objects  map[oid.ID][]byte
	saves    int
	tracked  map[string]stagefile.Asset
	ignored  []string
	loosened []string // made writable
}

// lock locks the objects.
func (d *fakeData) lock() (unlock func()) {
	if d.shared != nil {
		return d.shared.lock()
	}
	d.mu.Lock()
	return d.mu.Unlock
}

func (d *fakeData) asset(p string) (stagefile.Asset, []byte, error) {
	name := filepath.Join(d.root, filepath.FromSlash(p))
	info, err := os.Stat(name)
	if err != nil {
		return stagefile.Asset{}, nil, err
	}
	a := stagefile.Asset{Path: p, Kind: stagefile.KindFile, Files: 1}
	var text []byte
	if info.IsDir() {
		a.Kind, a.Files = stagefile.KindDir, 0
		err = filepath.WalkDir(name, func(at string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(at)
			a.Files++
			text = append(text, strings.TrimPrefix(at, name)+"\x00"+string(b)+"\x01"...)
			return err
		})
	} else {
		text, err = os.ReadFile(name)
	}
	a.ID, a.Size = oid.Sum(text), int64(len(text))
	return a, text, err
}

func (d *fakeData) Hash(_ context.Context, paths []string) (map[string]stagefile.Asset, error) {
	out := map[string]stagefile.Asset{}
	for _, p := range paths {
		if a, _, err := d.asset(p); err == nil {
			out[p] = a
		}
	}
	return out, nil
}

func (d *fakeData) HashWith(ctx context.Context, dir string, with []stagefile.Asset) (stagefile.Asset, error) {
	root, err := os.MkdirTemp(d.root, ".with-*")
	if err != nil {
		return stagefile.Asset{}, err
	}
	defer func() { _ = os.RemoveAll(root) }()
	if from := filepath.Join(d.root, dir); os.CopyFS(filepath.Join(root, dir), os.DirFS(from)) != nil {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o777); err != nil {
			return stagefile.Asset{}, err
		}
	}
	there := &fakeData{root: root, objects: d.objects, shared: d.shared}
	if d.shared == nil {
		there.shared = d
	}
	if err := there.Restore(ctx, with); err != nil {
		return stagefile.Asset{}, err
	}
	a, _, err := there.asset(dir)
	return a, err
}

func (d *fakeData) Save(_ context.Context, paths []string) (map[string]stagefile.Asset, error) {
	defer d.lock()()
	d.saves++
	out := map[string]stagefile.Asset{}
	for _, p := range paths {
		a, text, err := d.asset(p)
		if err != nil {
			return nil, errs.New(errs.NotFound, "save %s: %w", p, err)
		}
		out[p], d.objects[a.ID] = a, text
	}
	return out, nil
}

func (d *fakeData) Restore(_ context.Context, assets []stagefile.Asset) error {
	defer d.lock()()
	for _, a := range assets {
		text, ok := d.objects[a.ID]
		name := filepath.Join(d.root, a.Path)
		if !ok {
			return errs.New(errs.NotFound, "no object %s", a.ID)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

func (d *fakeData) Absent(_ context.Context, assets []stagefile.Asset) ([]stagefile.Asset, error) {
	defer d.lock()()
	var out []stagefile.Asset
	for _, a := range assets {
		if _, ok := d.objects[a.ID]; !ok {
			out = append(out, a)
		}
	}
	return out, nil
}

func (d *fakeData) Keep(_ context.Context, files []string) ([]oid.ID, error) {
	defer d.lock()()
	var out []oid.ID
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		d.objects[oid.Sum(b)] = b
		out = append(out, oid.Sum(b))
	}
	return out, nil
}

func (d *fakeData) Writable(_ context.Context, paths ...string) error {
	defer d.lock()()
	d.loosened = append(d.loosened, paths...)
	return nil
}

func (d *fakeData) Remove(_ context.Context, paths ...string) error {
	for _, p := range paths {
		if err := os.RemoveAll(filepath.Join(d.root, p)); err != nil {
			return err
		}
	}
	return nil
}

func (d *fakeData) Tracked(context.Context) (map[string]stagefile.Asset, error) {
	return d.tracked, nil
}

// PipelineFiles, Ignore and UpdateLock make fakeData the engine's Files too.
func (d *fakeData) PipelineFiles(context.Context) ([]string, error) {
	var out []string
	err := filepath.WalkDir(d.root, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Name() == stagefile.FileName {
			rel, _ := filepath.Rel(d.root, p)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	return out, err
}

func (d *fakeData) Ignore(_ context.Context, paths ...string) error {
	d.locks.Lock()
	defer d.locks.Unlock()
	d.ignored = append(d.ignored, paths...)
	return nil
}

func (d *fakeData) UpdateLock(_ context.Context, dir string, edit func(*stagefile.Lock)) error {
	d.locks.Lock()
	defer d.locks.Unlock()
	name := filepath.Join(d.root, dir, stagefile.LockName)
	text, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := stagefile.ParseLock(name, text)
	if err != nil {
		return err
	}
	edit(l)
	if err := os.WriteFile(name+".new", l.Encode(), 0o666); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// bed is a repository to try the engine in.
type bed struct {
	t       *testing.T
	root    string
	data    *fakeData
	engine  *pipeline.Engine
	tracker *trackdb.Service
	output  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newBed(t *testing.T, files map[string]string) *bed {
	t.Helper()
	b := &bed{t: t, root: t.TempDir(), output: &lockedBuffer{}}
	b.data = &fakeData{root: b.root, objects: map[oid.ID][]byte{}, tracked: map[string]stagefile.Asset{}}
	for name, text := range files {
		b.write(name, text)
	}
	migrations, err := db.Index()
	if err != nil {
		t.Fatal(err)
	}
	index, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"), db.Options{Migrations: migrations})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := index.Close(); err != nil {
			t.Error(err)
		}
	})
	b.tracker = trackdb.New(index, clock.System{})
	b.engine = pipeline.New(pipeline.Config{
		Root:     b.root,
		Read:     func(p string) ([]byte, error) { return os.ReadFile(filepath.Join(b.root, filepath.FromSlash(p))) },
		Files:    b.data,
		Data:     b.data,
		Index:    func(context.Context) (*db.DB, error) { return index, nil },
		Track:    func(context.Context) (track.Recorder, error) { return b.tracker, nil },
		Describe: func(context.Context) (track.Run, error) { return track.Run{User: "tester"}, nil },
		Tmp:      t.TempDir(),
		Clock:    clock.System{},
	})
	return b
}

func (b *bed) write(name, text string) {
	b.t.Helper()
	p := filepath.Join(b.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o777); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o666); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) remove(name string) {
	b.t.Helper()
	if err := os.RemoveAll(filepath.Join(b.root, name)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root, filepath.FromSlash(name)))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(text)
}

// run runs and returns "stage action: reasons" for each stage, sorted.
func (b *bed) run(q pipeline.RunRequest) ([]string, pipeline.Result, error) {
	b.t.Helper()
	var lines []string
	if q.Output == nil {
		q.Output = b.output
	}
	q.Grace = time.Second
	result, err := b.engine.Run(b.t.Context(), q, func(e pipeline.Event) {
		if e.Type == pipeline.StageEnded {
			lines = append(lines, strings.TrimSuffix(e.Name+" "+string(e.Action)+": "+strings.Join(e.Reasons, "; "), ": "))
		}
	})
	slices.Sort(lines)
	return lines, result, err
}

func (b *bed) plan(q pipeline.PlanRequest) []string {
	b.t.Helper()
	steps, err := b.engine.Plan(b.t.Context(), q)
	if err != nil {
		b.t.Fatal(err)
	}
	var lines []string
	for _, s := range steps {
		lines = append(lines, strings.TrimSuffix(s.Name+" "+string(s.Action)+": "+strings.Join(s.Reasons, "; "), ": "))
	}
	return lines
}

// expect runs everything and compares what happened.
func (b *bed) expect(q pipeline.RunRequest, want ...string) pipeline.Result {
	b.t.Helper()
	got, result, err := b.run(q)
	if err != nil {
		b.t.Fatalf("%v\n%s", err, b.output.String())
	}
	if !slices.Equal(got, want) {
		b.t.Fatalf("\n got %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
	return result
}
