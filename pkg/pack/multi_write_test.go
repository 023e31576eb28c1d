package pack_test

import (
	"bytes"
	"testing"

	"github.com/mlops-cli/mlops/pkg/pack"
)

// encodeMulti is WriteMulti into memory.
func encodeMulti(tb testing.TB, packs []*pack.Index) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := pack.WriteMulti(&b, packs); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}
