package registrydb_test

import (
	"os"
	"testing"

	"github.com/mlops-cli/mlops/pkg/db"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func postgres(t *testing.T) *db.DB {
	t.Helper()
	return dbtest.Postgres(t)(t)
}
