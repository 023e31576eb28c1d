package compare

import (
	"math"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/mlops-cli/mlops/pkg/track"
)

// Direction says what is better of a metric.
type Direction int

// The directions.
const (
	Unknown Direction = iota
	Up                // more is better
	Down              // less is better
)

// Mark is an arrow for the direction, or nothing.
func (d Direction) Mark() string {
	switch d {
	case Up:
		return "↑"
	case Down:
		return "↓"
	default:
		return ""
	}
}

const (
	upWords = "acc accuracy auc auroc aucroc auprc aucpr ap map precision recall sensitivity specificity f1 f2 fbeta fscore " +
		"r2 iou miou dice jaccard bleu rouge meteor chrf score ndcg mrr hit hits throughput mcc kappa ssim psnr " +
		"gain reward return win wins correct lift silhouette top1 top3 top5 gini ks agreement coverage"
	downWords = "loss losses error errors err rmse mse mae mape smape rmsle msle logloss perplexity ppl nll bce ce crossentropy entropy " +
		"latency seconds sec ms duration time fid kid wer cer ter eer fpr fnr fdr brier ece mce kl divergence regret " +
		"distance residual deviance bpc bits cost memory rss hinge misclassification drift lpips"
)

// rules are the directions that the user told.
type rules struct{ maximize, minimize []string }

func (r rules) of(key string) Direction {
	switch {
	case matchesAny(r.maximize, key):
		return Up
	case matchesAny(r.minimize, key):
		return Down
	default:
		return ByName(key)
	}
}

// ByName knows the direction of common metrics by the last word in their name
// that says anything: val/accuracy is up, top5_error is down.
func ByName(key string) Direction {
	if _, after, ok := strings.Cut(key, ":"); ok {
		key = after // the key of a file
	}
	up, down := strings.Fields(upWords), strings.Fields(downWords)
	for _, word := range slices.Backward(words(key)) {
		switch {
		case slices.Contains(up, word):
			return Up
		case slices.Contains(down, word):
			return Down
		}
	}
	return Unknown
}

// words cuts a key at everything but letters and digits, and where a capital
// follows a small letter, and makes it lower case.
func words(key string) []string {
	var spaced strings.Builder
	small := false
	for _, r := range key {
		if small && unicode.IsUpper(r) {
			spaced.WriteByte(' ')
		}
		small = unicode.IsLower(r)
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.FieldsFunc(spaced.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// matchesAny reports whether a key is one of the patterns. A pattern may leave
// out the file that a key begins with; * stands for anything but a slash.
func matchesAny(patterns []string, key string) bool {
	_, short, _ := strings.Cut(key, ":")
	return slices.ContainsFunc(patterns, func(p string) bool {
		for _, k := range []string{key, short} {
			if ok, err := path.Match(p, k); p == k || err == nil && ok && k != "" {
				return true
			}
		}
		return false
	})
}

// best returns the column of the best value. It is nil when the direction is
// unknown, or nothing is better than the rest.
func best(values []*track.Value, d Direction) *int {
	at, differ := -1, false
	for i, v := range values {
		if v == nil || math.IsNaN(float64(*v)) {
			continue
		}
		if at < 0 {
			at = i
			continue
		}
		differ = differ || *v != *values[at]
		if d == Up && *v > *values[at] || d == Down && *v < *values[at] {
			at = i
		}
	}
	if d == Unknown || !differ {
		return nil
	}
	return &at
}
