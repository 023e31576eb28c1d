package sweep

import (
	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/paramfile"
)

// maxTrials bounds a sweep: more are a slip of the hand.
const maxTrials = 100_000

// Trial is what one run of a sweep does to the parameters.
type Trial struct {
	Edits []paramfile.Edit
	// Swept are those edits that differ between the trials.
	Swept []paramfile.Edit
}

// ParseAll reads overrides. File is where keys without a file are.
func ParseAll(texts []string, file string) ([]Override, error) {
	all := make([]Override, 0, len(texts))
	for _, text := range texts {
		o, err := Parse(text)
		if err != nil {
			return nil, err
		}
		if o.File == "" {
			o.File = file
		}
		all = append(all, o)
	}
	return all, nil
}

// Trials are all combinations of the values of overrides: one when nothing is
// swept over. The last override changes fastest.
func Trials(overrides []Override) ([]Trial, error) {
	n := 1
	for _, o := range overrides {
		if n *= max(1, len(o.Values)); n > maxTrials {
			return nil, errs.New(errs.Usage, "the sweep has more than %d trials", maxTrials)
		}
	}
	trials := make([]Trial, n)
	for i := range trials {
		rest, size := i, n
		for _, o := range overrides {
			edit := paramfile.Edit{Op: o.Op, File: o.File, Key: o.Key}
			if len(o.Values) > 0 {
				size /= len(o.Values)
				edit.Value = o.Values[rest/size]
				rest %= size
			}
			trials[i].Edits = append(trials[i].Edits, edit)
			if o.Swept() {
				trials[i].Swept = append(trials[i].Swept, edit)
			}
		}
	}
	return trials, nil
}
