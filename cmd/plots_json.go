package cmd

import (
	"io"

	"github.com/mlops-cli/mlops/pkg/compare"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// plotsJSON has DVC's shape.
type plotsJSON struct {
	Errors []plotError            `json:"errors,omitempty"`
	Data   map[string][]plotEntry `json:"data,omitempty"`
}

type plotError struct {
	Name   string `json:"name,omitempty"`
	Rev    string `json:"rev"`
	Source string `json:"source,omitempty"`
	Type   string `json:"type"`
	Msg    string `json:"msg"`
}

type plotEntry struct {
	Type      string         `json:"type"`
	Revisions []string       `json:"revisions"`
	Content   map[string]any `json:"content,omitempty"` // Vega-Lite
	URL       string         `json:"url,omitempty"`     // of a picture: its bytes
}

func (o *plotsOptions) writeJSON(drawn []compare.DrawnPlot, problems []compare.Problem) error {
	out := plotsJSON{Data: map[string][]plotEntry{}}
	for _, p := range problems {
		out.Errors = append(out.Errors, plotError{Rev: p.Revision, Source: p.Path, Type: errs.KindOf(p.Err).String(), Msg: p.Err.Error()})
	}
	for _, d := range drawn {
		entries := []plotEntry{}
		switch {
		case d.Images != nil:
			for _, image := range d.Images.Each {
				entries = append(entries, plotEntry{Type: "image", Revisions: []string{image.Name}, URL: image.DataURL()})
			}
		case !d.Chart.Empty():
			spec, err := d.Chart.Spec()
			if err != nil {
				out.Errors = append(out.Errors, plotError{Name: d.ID, Type: errs.KindOf(err).String(), Msg: err.Error()})
				break
			}
			entries = append(entries, plotEntry{Type: "vega", Revisions: d.Chart.Revisions, Content: spec})
		}
		out.Data[d.ID] = entries
	}
	return o.app.io.Result(out, func(io.Writer) error { return nil })
}
