package stagefile

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// MarshalJSON writes the stage as docs/json.md describes it: defaults and empty
// lists are left out, deps and outs are sorted by path.
func (s Stage) MarshalJSON() ([]byte, error) {
	out := map[string]any{"name": s.Address(), "file": s.File, "cmd": append([]string{}, s.Cmd...), "wdir": s.Wdir}
	if !s.CmdIsList && len(s.Cmd) == 1 {
		out["cmd"] = s.Cmd[0]
	}
	deps := make([]string, len(s.Deps))
	for i, d := range s.Deps {
		deps[i] = d.Path
	}
	slices.Sort(deps)
	if len(deps) > 0 {
		out["deps"] = deps
	}
	if len(s.Outs) > 0 {
		outs := slices.Clone(s.Outs)
		slices.SortStableFunc(outs, func(a, b Out) int { return cmp.Compare(a.Path, b.Path) })
		out["outs"] = outs
	}
	if len(s.Params) > 0 {
		out["params"] = s.Params
	}
	if len(s.Used) > 0 {
		used := map[string]any{}
		for file, values := range s.Used {
			m := map[string]any{}
			for key, v := range values {
				m[key] = paramfile.JSON(v)
			}
			used[file] = m
		}
		out["tracked_vars"] = used
	}
	maps.Copy(out, given(map[string]any{
		"group": s.Group, "desc": s.Desc, "shell": s.Shell, "frozen": s.Frozen, "always_changed": s.AlwaysChanged,
	}))
	if s.Timeout > 0 {
		out["timeout"] = s.Timeout.String()
	}
	limitsJSON(&s, out)
	if len(s.Env) > 0 {
		out["env"] = s.Env
	}
	if s.Meta != nil {
		out["meta"] = paramfile.JSON(s.Meta)
	}
	return marshal(override(out, s.raw))
}

// override puts values in place of their texts.
func override(out, raw map[string]any) map[string]any {
	for key, v := range raw {
		out[key] = paramfile.JSON(v)
	}
	return out
}

// limitsJSON adds what says how and where the stage runs, as it is written in
// a pipeline file.
func limitsJSON(s *Stage, out map[string]any) {
	maps.Copy(out, given(map[string]any{"executor": s.Executor, "image": s.Image, "map": s.Map}))
	if r := s.Retries; r.Count > 0 {
		m := map[string]any{"count": r.Count}
		if r.Backoff > 0 {
			m["backoff"] = r.Backoff.String()
		}
		if r.MaxBackoff > 0 {
			m["max_backoff"] = r.MaxBackoff.String()
		}
		if len(r.ExitCodes) > 0 {
			m["on"] = r.ExitCodes
		}
		out["retries"] = m
	}
	if r := s.Resources; r != (Resources{}) {
		m := map[string]any{"cpus": r.CPUs, "memory": r.Memory, "gpus": r.GPUs}
		maps.DeleteFunc(m, func(_ string, v any) bool { return v == 0.0 || v == int64(0) || v == 0 })
		out["resources"] = m
	}
	if len(s.Pool) > 0 {
		out["pool"] = s.Pool
	}
	if len(s.Mutex) > 0 {
		out["mutex"] = s.Mutex
	}
}

// MarshalJSON writes the path of the out and what differs from the default.
func (o Out) MarshalJSON() ([]byte, error) {
	out := given(map[string]any{
		"path": o.Path, "persist": o.Persist, "remote": o.Remote, "desc": o.Desc, "type": o.Type, "metric": o.Metric, "plot": o.Plot,
	})
	if o.NoCache {
		out["cache"] = false
	}
	if o.NoPush {
		out["push"] = false
	}
	if len(o.Labels) > 0 {
		out["labels"] = o.Labels
	}
	if m, ok := o.Meta.(*paramfile.Map); o.Meta != nil && (!ok || m.Len() > 0) {
		out["meta"] = paramfile.JSON(o.Meta)
	}
	switch len(o.Props) {
	case 0:
	case 1:
		out["plot"] = o.Props[0]
	default:
		out["plot"] = o.Props
	}
	return marshal(override(out, o.raw))
}

// MarshalJSON writes the properties that are given.
func (p PlotProps) MarshalJSON() ([]byte, error) {
	out := given(map[string]any{
		"template": p.Template, "x": p.X, "y": p.Y, "x_label": p.XLabel, "y_label": p.YLabel, "title": p.Title,
	})
	if p.Header != nil {
		out["header"] = *p.Header
	}
	return marshal(override(out, p.raw))
}

// given leaves out empty texts and false.
func given(m map[string]any) map[string]any {
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == "" || v == false })
	return m
}

// marshal leaves <, > and & as they are: they are common in commands.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}
