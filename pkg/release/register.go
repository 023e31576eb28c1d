package release

import (
	"context"
	"path"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/oid"
	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/repo"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/tree"
)

// Request says what to register.
type Request struct {
	Dir         string // where the source was typed
	Source      string // PATH, RUN:PATH, runs:/RUN/PATH or models:/m-…
	Run         string // that made what stands at a path; "" for the one that is known to have
	Model       string
	Aliases     []string
	Tags        []registry.Tag
	Description string
	Licence     string
	Flavors     []string
	Card        string // Markdown; "" for what the files have
}

// Registered is what Register made.
type Registered struct {
	Version registry.Version `json:"version"`
	Created bool             `json:"created"` // false: the model had these files of this run already
	Model   bool             `json:"model_created"`
}

// Register makes a version of a model, and the model when there is none. The
// same files of the same run are a version only once.
func (p *Releaser) Register(ctx context.Context, q Request) (res Registered, err error) {
	if err := registry.CheckName(q.Model); err != nil {
		return res, err
	}
	for _, alias := range q.Aliases {
		if err := registry.CheckAlias(alias); err != nil {
			return res, err
		}
		if err := p.ungated(ctx, q.Model, alias); err != nil {
			return res, err
		}
	}
	s, err := p.open(ctx, q.Dir, q.Source)
	if err != nil {
		return res, err
	}
	if err := p.named(ctx, &s, q.Run); err != nil {
		return res, err
	}
	v := registry.Version{Model: q.Model, Source: s.uri, LoggedModel: s.logged, Description: q.Description, Tags: q.Tags}
	if v.Details, err = p.details(ctx, &s, &q); err != nil {
		return res, err
	}
	if s.run != nil {
		v.RunID = s.run.ID
	}
	known, err := p.same(ctx, &v)
	if err != nil {
		return res, err
	}
	if known != nil {
		res.Version = *known
	} else {
		if _, err := p.reg.CreateModel(ctx, registry.Model{Name: q.Model}); err == nil {
			res.Model = true
		} else if !errs.Is(err, errs.Conflict) {
			return res, err
		}
		if res.Version, err = p.reg.CreateVersion(ctx, v); err != nil {
			return res, err
		}
		res.Created = true
	}
	for _, alias := range q.Aliases {
		if err := p.reg.SetAlias(ctx, q.Model, alias, res.Version.Number); err != nil {
			return res, err
		}
	}
	res.Version, err = p.reg.Version(ctx, q.Model, res.Version.Number)
	return res, err
}

// named sets the run of files at a path where the user named one.
func (p *Releaser) named(ctx context.Context, s *source, ref string) error {
	if ref == "" || s.uri != s.object.Path {
		return nil
	}
	id, err := p.runs.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	run, err := p.runs.Run(ctx, id)
	s.run = &run
	return err
}

// same is the newest version that has the same files of the same run.
func (p *Releaser) same(ctx context.Context, v *registry.Version) (*registry.Version, error) {
	list, err := p.reg.Versions(ctx, registry.Query{
		Filter: track.Filter{
			{Entity: track.Attributes, Key: "name", Op: track.Equal, Text: v.Model},
			{Entity: track.Attributes, Key: "run_id", Op: track.Equal, Text: v.RunID},
		},
		Limit: 100,
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Details.Object == v.Details.Object && list[i].Details.Path == v.Details.Path {
			return &list[i], nil
		}
	}
	return nil, nil
}

// details gathers what is known of how a version came about.
func (p *Releaser) details(ctx context.Context, s *source, q *Request) (registry.Details, error) {
	o := s.object
	var d registry.Details
	var err error
	if s.run != nil {
		d = fromRun(s.run)
		d.Inputs, err = p.inputs(ctx, s.run)
	} else if s.logged == "" {
		err = p.here(ctx, &d.Git)
	}
	if err != nil {
		return d, err
	}
	d.Object, d.Kind, d.Path, d.Size, d.Files = o.ID, o.Kind.String(), o.Path, o.Size, max(o.Files, 1)
	d.Flavors, d.Card, d.Licence = q.Flavors, q.Card, q.Licence
	return d, saidBy(&d, func(name string) ([]byte, error) { return p.read(ctx, o, name) }, false)
}

// inputs is what a run read and did not make itself.
func (p *Releaser) inputs(ctx context.Context, run *track.Run) ([]registry.Data, error) {
	type content struct {
		path string
		id   oid.ID
	}
	own := map[content]bool{}
	var files []string
	for _, a := range run.Assets {
		if a.Role == track.Output {
			own[content{a.Path, a.ID}] = true
		} else if a.Role == track.Input && a.Kind != tree.Dir.String() {
			files = append(files, a.Path)
		}
	}
	code, err := p.inGit(ctx, run.Git.Commit, files)
	if err != nil {
		return nil, err
	}
	var list []registry.Data
	for _, a := range run.Assets {
		if a.Role == track.Input && !own[content{a.Path, a.ID}] {
			list = append(list, registry.Data{Path: a.Path, Kind: a.Kind, ID: a.ID, Size: a.Size, Files: a.Files, Code: code[a.Path]})
		}
	}
	return list, nil
}

// inGit says which files a commit has; none where the commit is not here.
func (p *Releaser) inGit(ctx context.Context, commit string, files []string) (map[string]bool, error) {
	git := p.repo.Git()
	if commit == "" || len(files) == 0 || !git.Exists() {
		return nil, nil
	}
	if _, err := git.Commit(ctx, commit); err != nil {
		if errs.Is(err, errs.NotFound) {
			err = nil
		}
		return nil, err
	}
	blobs, err := git.Blobs(ctx, commit, files)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for file := range blobs {
		has[file] = true
	}
	return has, nil
}

// here fills in the commit that is checked out.
func (p *Releaser) here(ctx context.Context, g *track.Git) error {
	git := p.repo.Git()
	if !git.Exists() {
		return nil
	}
	var err error
	if g.Commit, err = git.Head(ctx); err != nil || g.Commit == "" {
		return err
	}
	if g.Branch, err = git.Branch(ctx); err != nil {
		return err
	}
	if g.Dirty, err = git.Dirty(ctx); err != nil {
		return err
	}
	g.Remote, err = git.Remote(ctx)
	return err
}

// cardField is a field of the head of a model card, as the Hugging Face Hub has
// it: lines of KEY: VALUE between two lines of dashes.
func cardField(card, key string) string {
	head, ok := strings.CutPrefix(strings.ReplaceAll(card, "\r\n", "\n"), "---\n")
	if !ok {
		return ""
	}
	head, _, ok = strings.Cut(head, "\n---")
	if !ok {
		return ""
	}
	for line := range strings.Lines(head) {
		if value, ok := strings.CutPrefix(line, key+":"); ok {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

// objectAt finds the files that a URI of an MLflow client names.
func (p *Releaser) objectAt(ctx context.Context, v *registry.Version, uri string) (repo.Object, error) {
	if p.Logged == nil {
		return repo.Object{}, errs.New(errs.NotFound, "%s is not here", uri)
	}
	owner, at, ok := ownerOf(uri, v)
	if !ok {
		return repo.Object{}, errs.New(errs.NotFound, "%s is not here", uri)
	}
	files, err := p.files(ctx, owner, at)
	if err != nil {
		return repo.Object{}, err
	}
	o, err := p.assemble(ctx, files, at)
	if o.Path == "" {
		o.Path = v.Model
	}
	return o, err
}

// ownerOf reads runs:/R/p, models:/m-…, mlflow-artifacts:/E/R/artifacts/p and
// mlflow-artifacts:/E/models/m-…/artifacts/p.
func ownerOf(uri string, v *registry.Version) (o track.Owner, at string, ok bool) {
	if rest, found := strings.CutPrefix(uri, "runs:/"); found {
		id, at, _ := strings.Cut(rest, "/")
		return track.Owner{ID: id}, path.Clean("/" + at)[1:], true
	}
	if rest, found := strings.CutPrefix(uri, "models:/"); found && track.IsModelID(rest) {
		return track.Owner{Model: true, ID: rest}, "", true
	}
	if before, after, found := strings.Cut(uri, "/artifacts"); found {
		parts := strings.Split(before, "/")
		last := parts[len(parts)-1]
		at := path.Clean("/" + strings.TrimPrefix(after, "/"))[1:]
		if track.IsModelID(last) {
			return track.Owner{Model: true, ID: last}, at, true
		}
		if track.CheckID(last) == nil {
			return track.Owner{ID: last}, at, true
		}
	}
	if v.LoggedModel != "" {
		return track.Owner{Model: true, ID: v.LoggedModel}, "", true
	}
	return track.Owner{}, "", false
}
