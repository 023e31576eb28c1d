package compare

import (
	"encoding/csv"
	"io"
	"strconv"
	"time"
)

// WriteCSV writes a line for each column of the comparison, with every param,
// metric and path that the result shows in full.
func (r *Result) WriteCSV(w io.Writer) error {
	header := []string{"run_id", "name", "experiment", "status", "start_time", "end_time", "commit", "dirty"}
	for _, p := range r.Params {
		header = append(header, "params."+p.Key)
	}
	for _, m := range r.Metrics {
		header = append(header, "metrics."+m.Key)
	}
	for _, d := range r.Data {
		header = append(header, d.Kind+"."+d.Path)
	}
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return err
	}
	for i, c := range r.Runs {
		line := []string{c.ID, c.Name, c.Experiment, string(c.Status), stamp(c.StartTime), stamp(c.EndTime), c.Commit, strconv.FormatBool(c.Dirty)}
		for _, p := range r.Params {
			line = append(line, orNothing(p.Values[i]))
		}
		for _, m := range r.Metrics {
			text := ""
			if v := m.Values[i]; v != nil {
				text = v.String()
			}
			line = append(line, text)
		}
		for _, d := range r.Data {
			line = append(line, orNothing(d.Values[i]))
		}
		if err := out.Write(line); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func stamp(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

func orNothing(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
