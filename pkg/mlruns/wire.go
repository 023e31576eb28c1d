package mlruns

import "math"

const maxFloat = math.MaxFloat64

// What the protocol sends, as far as it is needed here.

type wirePair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

type wireMetric struct {
	Key       string    `json:"key"`
	Value     wireFloat `json:"value"`
	Timestamp wireInt   `json:"timestamp"`
	Step      wireInt   `json:"step"`
	Model     string    `json:"model_id,omitempty"`
	Dataset   string    `json:"dataset_name,omitempty"`
	Digest    string    `json:"dataset_digest,omitempty"`
	Run       string    `json:"run_id,omitempty"`
}

type wireExperiment struct {
	ID       string     `json:"experiment_id"`
	Name     string     `json:"name"`
	Location string     `json:"artifact_location"`
	Stage    string     `json:"lifecycle_stage"`
	Created  wireInt    `json:"creation_time"`
	Updated  wireInt    `json:"last_update_time"`
	Tags     []wirePair `json:"tags"`
}

type wireDataset struct {
	Name       string `json:"name"`
	Digest     string `json:"digest"`
	SourceType string `json:"source_type"`
	Source     string `json:"source"`
	Schema     string `json:"schema,omitempty"`
	Profile    string `json:"profile,omitempty"`
}

type wireDatasetInput struct {
	Tags    []wirePair  `json:"tags"`
	Dataset wireDataset `json:"dataset"`
}

type wireModelID struct {
	Model string  `json:"model_id"`
	Step  wireInt `json:"step"`
}

type wireRunInfo struct {
	ID         string  `json:"run_id"`
	Name       string  `json:"run_name"`
	Experiment string  `json:"experiment_id"`
	User       string  `json:"user_id"`
	Status     string  `json:"status"`
	Start      wireInt `json:"start_time"`
	End        wireInt `json:"end_time"`
	Files      string  `json:"artifact_uri"`
	Stage      string  `json:"lifecycle_stage"`
}

type wireRun struct {
	Info wireRunInfo `json:"info"`
	Data struct {
		Metrics []wireMetric `json:"metrics"`
		Params  []wirePair   `json:"params"`
		Tags    []wirePair   `json:"tags"`
	} `json:"data"`
	Inputs struct {
		Datasets []wireDatasetInput `json:"dataset_inputs"`
		Models   []wireModelID      `json:"model_inputs"`
	} `json:"inputs"`
	Outputs struct {
		Models []wireModelID `json:"model_outputs"`
	} `json:"outputs"`
}

type wireModel struct {
	Info struct {
		ID         string     `json:"model_id"`
		Experiment string     `json:"experiment_id"`
		Name       string     `json:"name"`
		Created    wireInt    `json:"creation_timestamp_ms"`
		Updated    wireInt    `json:"last_updated_timestamp_ms"`
		Files      string     `json:"artifact_uri"`
		Status     string     `json:"status"`
		Type       string     `json:"model_type"`
		Run        string     `json:"source_run_id"`
		Message    string     `json:"status_message"`
		Tags       []wirePair `json:"tags"`
	} `json:"info"`
	Data struct {
		Params  []wirePair   `json:"params"`
		Metrics []wireMetric `json:"metrics"`
	} `json:"data"`
}

type wireAlias struct {
	Alias   string  `json:"alias"`
	Version wireInt `json:"version"`
}

type wireRegistered struct {
	Name        string      `json:"name"`
	Created     wireInt     `json:"creation_timestamp"`
	Updated     wireInt     `json:"last_updated_timestamp"`
	Description string      `json:"description"`
	Tags        []wirePair  `json:"tags"`
	Aliases     []wireAlias `json:"aliases"`
}

type wireVersion struct {
	Name        string     `json:"name"`
	Version     wireInt    `json:"version"`
	Created     wireInt    `json:"creation_timestamp"`
	Updated     wireInt    `json:"last_updated_timestamp"`
	User        string     `json:"user_id"`
	Stage       string     `json:"current_stage"`
	Description string     `json:"description"`
	Source      string     `json:"source"`
	Run         string     `json:"run_id"`
	Link        string     `json:"run_link"`
	Status      string     `json:"status"`
	StatusText  string     `json:"status_message"`
	Model       string     `json:"model_id"`
	Tags        []wirePair `json:"tags"`
}

type wireFile struct {
	Path string  `json:"path"`
	Dir  bool    `json:"is_dir"`
	Size wireInt `json:"file_size"`
}
