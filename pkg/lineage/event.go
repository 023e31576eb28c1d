package lineage

import "time"

// Producer names this program in events.
const Producer = "https://github.com/mlops-cli/mlops"

const (
	spec      = "https://openlineage.io/spec/"
	schemaURL = spec + "2-0-2/OpenLineage.json#/$defs/RunEvent"
)

// EventType is the change of a run's state.
type EventType string

// The changes that are told.
const (
	Start    EventType = "START"
	Complete EventType = "COMPLETE"
	Fail     EventType = "FAIL"
	Abort    EventType = "ABORT"
)

// Event is a RunEvent of OpenLineage.
type Event struct {
	EventTime string    `json:"eventTime"`
	EventType EventType `json:"eventType"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       Run       `json:"run"`
	Job       Job       `json:"job"`
	Inputs    []Dataset `json:"inputs"`
	Outputs   []Dataset `json:"outputs"`
}

// Run is an execution of a job. RunID is a UUID.
type Run struct {
	RunID  string           `json:"runId"`
	Facets map[string]Facet `json:"facets,omitempty"`
}

// Job is what runs.
type Job struct {
	Namespace string           `json:"namespace"`
	Name      string           `json:"name"`
	Facets    map[string]Facet `json:"facets,omitempty"`
}

// Dataset is a file or directory that a job reads or makes.
type Dataset struct {
	Namespace    string           `json:"namespace"`
	Name         string           `json:"name"`
	Facets       map[string]Facet `json:"facets,omitempty"`
	InputFacets  map[string]Facet `json:"inputFacets,omitempty"`
	OutputFacets map[string]Facet `json:"outputFacets,omitempty"`
}

// Facet is a piece of metadata.
type Facet map[string]any

// facet makes a facet of the schema that stands in file.
func facet(file, name string, values Facet) Facet {
	values["_producer"] = Producer
	values["_schemaURL"] = spec + "facets/" + file + "#/$defs/" + name
	return values
}

func errorMessage(text string) Facet {
	return facet("1-0-1/ErrorMessageRunFacet.json", "ErrorMessageRunFacet", Facet{"message": text, "programmingLanguage": "shell"})
}

func parentRun(run string, job Job) Facet {
	of := map[string]any{"runId": run}
	in := map[string]any{"namespace": job.Namespace, "name": job.Name}
	return facet("1-2-0/ParentRunFacet.json", "ParentRunFacet", Facet{"run": of, "job": in, "root": map[string]any{"run": of, "job": in}})
}

func processingEngine(version string) Facet {
	return facet("1-1-1/ProcessingEngineRunFacet.json", "ProcessingEngineRunFacet", Facet{"name": "mlops", "version": version})
}

func jobType(kind string) Facet {
	return facet("2-0-4/JobTypeJobFacet.json", "JobTypeJobFacet", Facet{"processingType": "BATCH", "integration": "MLOPS", "jobType": kind})
}

func documentation(text string) Facet {
	return facet("1-1-0/DocumentationJobFacet.json", "DocumentationJobFacet", Facet{"description": text})
}

func sourceCode(commands string) Facet {
	return facet("1-0-1/SourceCodeJobFacet.json", "SourceCodeJobFacet", Facet{"language": "shell", "sourceCode": commands})
}

func sourceCodeLocation(g Git, path string) Facet {
	f := Facet{"type": "git", "url": g.URL, "repoUrl": g.URL, "path": path, "version": g.Commit}
	if g.Branch != "" {
		f["branch"] = g.Branch
	}
	return facet("1-1-0/SourceCodeLocationJobFacet.json", "SourceCodeLocationJobFacet", f)
}

func dataSource(name, uri string) Facet {
	return facet("1-0-1/DatasourceDatasetFacet.json", "DatasourceDatasetFacet", Facet{"name": name, "uri": uri})
}

func datasetVersion(id string) Facet {
	return facet("1-0-1/DatasetVersionDatasetFacet.json", "DatasetVersionDatasetFacet", Facet{"datasetVersion": id})
}

func inputStatistics(a Asset) Facet {
	return facet("1-0-0/InputStatisticsInputDatasetFacet.json", "InputStatisticsInputDatasetFacet", Facet{"size": a.Size, "fileCount": a.Files})
}

func outputStatistics(a Asset) Facet {
	return facet("1-0-2/OutputStatisticsOutputDatasetFacet.json", "OutputStatisticsOutputDatasetFacet", Facet{"size": a.Size, "fileCount": a.Files})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
