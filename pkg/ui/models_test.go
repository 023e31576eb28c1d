package ui_test

import (
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/registry"
	"github.com/mlops-cli/mlops/pkg/registrydb"
)

// TestVersionsOfClients: what a client of MLflow registered has the name, metrics
// and params of its run, as in 'mlops model show'.
func TestVersionsOfClients(t *testing.T) {
	t.Parallel()
	p := fixture(t)
	models := p.deps.Models.(*registrydb.Service)
	_, err := models.CreateModel(t.Context(), registry.Model{Name: "by-client"})
	must(t, err)
	_, err = models.CreateVersion(t.Context(), registry.Version{Model: "by-client", RunID: richID, Source: "runs:/" + richID + "/model"})
	must(t, err)
	for _, place := range []string{"a repository", "a store"} {
		if place == "a store" {
			p.deps.Release = nil
		}
		h := p.handler(t)
		for target, want := range map[string][]string{
			"/models/by-client":   {`>rich</a>`, `title="accuracy"`},
			"/models/by-client/1": {`>rich</a>`, "accuracy", "optimizer"},
		} {
			body := get(t, h, target).Body.String()
			for _, text := range want {
				if !strings.Contains(body, text) {
					t.Errorf("%s of %s does not show %q", target, place, text)
				}
			}
		}
	}
}
