package cmd

import (
	"slices"

	"github.com/spf13/pflag"

	"github.com/mlops-cli/mlops/pkg/stagefile"
)

// stageFields defines the flags that say what a stage is.
func stageFields(f *pflag.FlagSet, s *stagefile.NewStage) {
	listVar(f, &s.Deps, "deps", "d", "file or directory that it reads")
	listVar(f, &s.Params, "params", "p", "parameters, `[FILE:]KEY,KEY`; FILE: for the whole file")
	listVar(f, &s.Outs, "outs", "o", "file or directory that it writes")
	listVar(f, &s.OutsNoCache, "outs-no-cache", "O", "the same, kept in git instead of the store")
	listVar(f, &s.OutsPersist, "outs-persist", "", "the same, not removed before the stage runs")
	listVar(f, &s.OutsPersistNoCache, "outs-persist-no-cache", "", "the same, not removed and kept in git")
	listVar(f, &s.Metrics, "metrics", "m", "metrics file that it writes")
	listVar(f, &s.MetricsNoCache, "metrics-no-cache", "M", "the same, kept in git instead of the store")
	listVar(f, &s.Plots, "plots", "", "file of plots that it writes")
	listVar(f, &s.PlotsNoCache, "plots-no-cache", "", "the same, kept in git instead of the store")
	f.StringVarP(&s.Wdir, "wdir", "w", "", "directory that the command runs in")
	f.StringVar(&s.Desc, "desc", "", "description, for people")
	f.BoolVar(&s.AlwaysChanged, "always-changed", false, "run it every time")
	f.BoolVar(&s.Frozen, "frozen", false, "do not run it, whatever changes")
}

// clearedFields takes the empty values out of what the flags gave, and names
// the fields that are left with none.
func clearedFields(f *pflag.FlagSet, s *stagefile.NewStage) []string {
	var clear []string
	for key, lists := range map[string][]*[]string{
		"deps": {&s.Deps}, "params": {&s.Params},
		"outs":    {&s.Outs, &s.OutsNoCache, &s.OutsPersist, &s.OutsPersistNoCache},
		"metrics": {&s.Metrics, &s.MetricsNoCache}, "plots": {&s.Plots, &s.PlotsNoCache},
	} {
		given, left := false, 0
		for _, list := range lists {
			given = given || *list != nil
			*list = slices.DeleteFunc(*list, func(v string) bool { return v == "" })
			left += len(*list)
		}
		if given && left == 0 {
			clear = append(clear, key)
		}
	}
	for flag, key := range map[string]string{"cmd": "cmd", "wdir": "wdir", "desc": "desc", "always-changed": "always_changed", "frozen": "frozen"} {
		if x := f.Lookup(flag); x != nil && x.Changed && (x.Value.String() == "" || x.Value.String() == "false") {
			clear = append(clear, key)
		}
	}
	slices.Sort(clear)
	return clear
}
