package lineage

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/url"
	"path"
	"strings"
	"time"
)

// Git is where the code of a run is from. URL is "" when nothing is known.
type Git struct{ URL, Commit, Branch string }

// Pipeline is what a Reporter tells about.
type Pipeline struct {
	Namespace string // of jobs and datasets; "" takes the URL of git, else mlops
	RunID     string // 32 hex digits
	File      string // the pipeline file
	Root      string // URI of the repository's directory
	Version   string // of this program
	Git       Git
}

// Stage is one stage, by its address.
type Stage struct {
	Name, File, Desc string
	Commands         []string
	Inputs, Outputs  []Asset
}

// Asset is a file or directory with the id of its bytes.
type Asset struct {
	Path, ID    string
	Size, Files int64
}

// Sender takes events somewhere. It never blocks.
type Sender interface{ Send(e Event) }

// Reporter tells what happens in one run. It is for one goroutine.
type Reporter struct {
	to      Sender
	of      Pipeline
	run     Run
	job     Job
	started map[string]bool
}

// NewReporter returns a Reporter for one run.
func NewReporter(to Sender, of Pipeline) *Reporter {
	of.Git.URL = webURL(of.Git.URL)
	if of.Namespace == "" {
		of.Namespace = of.Git.URL
	}
	if of.Namespace == "" {
		of.Namespace = "mlops"
	}
	r := &Reporter{to: to, of: of, started: map[string]bool{}}
	r.run = Run{RunID: uuid(of.RunID), Facets: map[string]Facet{"processing_engine": processingEngine(of.Version)}}
	r.job = Job{Namespace: of.Namespace, Name: of.File, Facets: map[string]Facet{"jobType": jobType("PIPELINE")}}
	if of.Git.URL != "" {
		r.job.Facets["sourceCodeLocation"] = sourceCodeLocation(of.Git, of.File)
	}
	return r
}

// Begin tells that the run began.
func (r *Reporter) Begin(at time.Time) { r.send(at, Start, r.run, r.job, nil, nil) }

// End tells how the run ended, and with Fail why.
func (r *Reporter) End(at time.Time, how EventType, why string) {
	r.send(at, how, failed(r.run, why), r.job, nil, nil)
}

// BeginStage tells that a stage began.
func (r *Reporter) BeginStage(at time.Time, s Stage) {
	r.started[s.Name] = true
	s.Outputs = nil // they are not made yet
	r.stage(at, Start, s, "")
}

// EndStage tells how a stage ended. One that was not begun is begun first, as
// OpenLineage wants it.
func (r *Reporter) EndStage(at time.Time, how EventType, s Stage, why string) {
	if !r.started[s.Name] {
		r.BeginStage(at, s)
	}
	if how != Complete {
		s.Outputs = nil // what there is of them is not trusted
	}
	r.stage(at, how, s, why)
}

func (r *Reporter) stage(at time.Time, how EventType, s Stage, why string) {
	run := Run{RunID: uuid(childID(r.of.RunID, s.Name)), Facets: map[string]Facet{
		"parent": parentRun(r.run.RunID, r.job), "processing_engine": r.run.Facets["processing_engine"],
	}}
	file := s.File
	job := Job{Namespace: r.of.Namespace, Name: file + ":" + strings.TrimPrefix(s.Name, file+":"), Facets: map[string]Facet{
		"jobType": jobType("STAGE"), "sourceCode": sourceCode(strings.Join(s.Commands, "\n")),
	}}
	if s.Desc != "" {
		job.Facets["documentation"] = documentation(s.Desc)
	}
	if r.of.Git.URL != "" {
		job.Facets["sourceCodeLocation"] = sourceCodeLocation(r.of.Git, file)
	}
	var inputs, outputs []Dataset
	for _, a := range s.Inputs {
		d := r.dataset(a)
		d.InputFacets = map[string]Facet{"inputStatistics": inputStatistics(a)}
		inputs = append(inputs, d)
	}
	for _, a := range s.Outputs {
		d := r.dataset(a)
		d.OutputFacets = map[string]Facet{"outputStatistics": outputStatistics(a)}
		outputs = append(outputs, d)
	}
	r.send(at, how, failed(run, why), job, inputs, outputs)
}

func (r *Reporter) dataset(a Asset) Dataset {
	uri := r.of.Root
	if r.of.Git.URL != "" {
		uri = r.of.Git.URL
	}
	return Dataset{Namespace: r.of.Namespace, Name: a.Path, Facets: map[string]Facet{
		"dataSource": dataSource(r.of.Namespace, uri), "version": datasetVersion(a.ID),
	}}
}

func (r *Reporter) send(at time.Time, how EventType, run Run, job Job, inputs, outputs []Dataset) {
	if inputs == nil {
		inputs = []Dataset{}
	}
	if outputs == nil {
		outputs = []Dataset{}
	}
	r.to.Send(Event{
		EventTime: stamp(at), EventType: how, Producer: Producer, SchemaURL: schemaURL,
		Run: run, Job: job, Inputs: inputs, Outputs: outputs,
	})
}

// failed adds why a run failed.
func failed(run Run, why string) Run {
	if why == "" {
		return run
	}
	facets := map[string]Facet{"errorMessage": errorMessage(why)}
	maps.Copy(facets, run.Facets)
	return Run{RunID: run.RunID, Facets: facets}
}

// uuid writes 32 hex digits as OpenLineage wants ids.
func uuid(id string) string {
	if len(id) != 32 {
		return id
	}
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// childID is the id of a stage's run: the same for everybody who knows the run.
func childID(run, stage string) string {
	sum := sha256.Sum256([]byte(run + "\x00" + stage))
	sum[6] = sum[6]&0x0f | 0x80 // a version 8 UUID: made from a hash
	sum[8] = sum[8]&0x3f | 0x80
	return hex.EncodeToString(sum[:16])
}

// webURL turns the remote of a git repository into a URL without a password:
// git@github.com:org/repo.git is https://github.com/org/repo.
func webURL(remote string) string {
	if remote == "" {
		return ""
	}
	if host, file, ok := strings.Cut(remote, ":"); ok && !strings.Contains(remote, "://") && !strings.Contains(host, "/") && len(host) > 1 {
		_, bare, at := strings.Cut(host, "@")
		if !at {
			bare = host
		}
		return "https://" + bare + "/" + strings.TrimSuffix(strings.TrimPrefix(file, "/"), ".git")
	}
	u, err := url.Parse(remote)
	if err != nil || u.Host == "" {
		return (&url.URL{Scheme: "file", Path: path.Join("/", strings.ReplaceAll(remote, `\`, "/"))}).String()
	}
	u.User = nil
	u.Path = strings.TrimSuffix(u.Path, ".git")
	if u.Scheme == "ssh" || u.Scheme == "git" {
		u.Scheme = "https"
		u.Host = u.Hostname()
	}
	return u.String()
}
