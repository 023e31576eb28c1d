package api

import (
	"errors"
	"strings"
	"testing"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/route"
)

// TestADatabaseThatIsAway: clients are told to come again, and not where the
// database is.
func TestADatabaseThatIsAway(t *testing.T) {
	t.Parallel()
	ctx := route.WithRequestID(t.Context(), "id-1")
	for _, kind := range []errs.Kind{errs.Remote, errs.Locked} {
		cause := errs.New(kind, "connect to database db.internal: refused").Hint("look at db.internal")
		p := problem(ctx, cause)
		if p.GetStatus() != 503 || !strings.Contains(p.Error(), "id-1") || strings.Contains(p.Error(), "db.internal") || !errors.Is(p, cause) {
			t.Errorf("%s: %d %v", kind, p.GetStatus(), p)
		}
	}
}
