package pipeline

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's ids, no secret
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/mlops-cli/mlops/pkg/stagefile"
	"github.com/mlops-cli/mlops/pkg/track"
)

// CodeState is the code that a run uses, as git knows it.
type CodeState struct {
	Commit string            // that is checked out; "" without git
	Patch  []byte            // what differs from it
	Blobs  map[string]string // git's ids of the files asked for that the commit has
}

// sourceLimit is up to how many bytes a patch, and each file, is kept.
const sourceLimit = 4 << 20

// sources keeps with a run its params files, and what git does not have of its
// code: the patch, and locks and outputs in git that differ from the commit.
type sources struct {
	params map[string][]byte // as they were when the run began
	later  map[string]string // artifact → file of what the run leaves
	known  chan struct{}     // closed when state and err are set
	state  CodeState
	err    error
}

// look begins to gather, in the background.
func (j *journal) look(ctx context.Context) {
	if j.engine.Code == nil {
		return
	}
	s := &sources{params: map[string][]byte{}, later: map[string]string{}, known: make(chan struct{})}
	j.sources = s
	var files []string
	for _, address := range j.chosen {
		stage := j.project.byAddress[address]
		for file := range stage.Params {
			s.param(j.engine, file)
		}
		for file := range stage.Used {
			s.param(j.engine, file)
		}
		s.later[track.LockPrefix+stage.Lock()] = stage.Lock()
		for _, o := range stage.Outs {
			if o.NoCache && !outside(o.Path) {
				s.later[track.OutsPrefix+o.Path] = o.Path
			}
		}
	}
	for _, file := range s.later {
		files = append(files, file)
	}
	slices.Sort(files)
	go func() {
		defer close(s.known)
		s.state, s.err = j.engine.Code(ctx, files)
	}()
}

// wait returns when the code is known: what stages write is not part of it.
func (s *sources) wait() {
	if s != nil {
		<-s.known
	}
}

func (s *sources) param(e *Engine, file string) {
	if outside(file) || stagefile.IsExternal(file) || s.params[file] != nil {
		return
	}
	if text, err := os.ReadFile(e.path(file)); err == nil && len(text) <= sourceLimit {
		s.params[file] = text
	}
}

// keep stores what differs from the commit and returns it as artifacts. What
// goes wrong with git is a warning: the run itself went as it went.
func (j *journal) keep(ctx context.Context) (assets []track.Asset, err error) {
	s := j.sources
	if s == nil {
		return nil, nil
	}
	<-s.known
	if s.err != nil {
		j.warnings = append(j.warnings, fmt.Errorf("the code of the run is not kept: %w", s.err))
	}
	texts := map[string][]byte{}
	if len(s.state.Patch) > 0 {
		texts[track.CodePatch] = s.state.Patch
	}
	for file, text := range s.params {
		texts[track.ParamsPrefix+file] = text
	}
	for artifact, file := range s.later {
		info, err := os.Lstat(j.engine.path(file))
		if err != nil || !info.Mode().IsRegular() || info.Size() > sourceLimit {
			continue
		}
		text, err := os.ReadFile(j.engine.path(file))
		if err == nil && !isBlob(text, s.state.Blobs[file]) {
			texts[artifact] = text
		}
	}
	return j.keepTexts(ctx, texts)
}

// keepTexts stores texts as artifacts: path to content.
func (j *journal) keepTexts(ctx context.Context, texts map[string][]byte) ([]track.Asset, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp(j.engine.Tmp, "sources-")
	if err != nil {
		return nil, fmt.Errorf("keep the code of the run: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	names := sortedKeys(texts)
	files := make([]string, len(names))
	for i, name := range names {
		files[i] = filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(files[i], texts[name], 0o600); err != nil { //nolint:forbidigo // temporary: the store writes it durably
			return nil, fmt.Errorf("keep the code of the run: %w", err)
		}
	}
	ids, err := j.engine.Data.Keep(ctx, files)
	if err != nil {
		return nil, fmt.Errorf("keep the code of the run: %w", err)
	}
	assets := make([]track.Asset, len(names))
	for i, name := range names {
		assets[i] = track.Asset{Path: name, Role: track.Artifact, Kind: string(stagefile.KindFile), ID: ids[i], Size: int64(len(texts[name])), Files: 1}
	}
	return assets, nil
}

// isBlob reports whether git knows text by an id.
func isBlob(text []byte, id string) bool {
	var h hash.Hash
	switch len(id) {
	case 2 * sha1.Size:
		h = sha1.New() //nolint:gosec // git's ids, no secret
	case 2 * sha256.Size:
		h = sha256.New()
	default:
		return false
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "blob %d\x00", len(text))
	h.Write(head.Bytes())
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil)) == id
}
