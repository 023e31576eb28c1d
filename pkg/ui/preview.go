package ui

import (
	"encoding/json"
	"net/http"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// previewMarkdown shows a note as it will look.
func (u *pages) previewMarkdown(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Text string `json:"text"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxText)).Decode(&q); err != nil {
		return errs.New(errs.Usage, "the request is not as it should be: %w", err)
	}
	return sendJSON(w, r, map[string]string{"html": string(markdown(q.Text))})
}
