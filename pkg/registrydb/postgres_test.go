package registrydb_test

import (
	"testing"

	"github.com/mlops-cli/mlops/pkg/db"
)

func postgres(t *testing.T) *db.DB {
	t.Helper()
	t.Skip("no PostgreSQL here")
	return nil
}
