package ui

import (
	"io"
	"sync"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/parquetfile"
)

// parquetRows is how many rows of a Parquet file a page shows.
const parquetRows = 100

// parquet reads the first rows. A file that is not what its name says is shown
// as what is wrong with it.
func (v *fileView) parquet(in io.ReadSeeker) error {
	t, err := parquetfile.Head(&readerAt{in: in}, v.Size, parquetRows)
	if errs.Is(err, errs.Corrupt) {
		v.Problems = append(v.Problems, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	v.Rows, v.Count, v.MoreColumns, v.Cut = t.Rows, t.NumRows, t.More, t.NumRows > int64(len(t.Rows))
	for _, c := range t.Columns {
		v.Header, v.Types, v.Numbers = append(v.Header, c.Name), append(v.Types, c.Type), append(v.Numbers, c.Number)
		if c.Problem != "" {
			v.Problems = append(v.Problems, "column "+c.Name+": "+c.Problem)
		}
	}
	return nil
}

// readerAt reads at places of what can only be read from a place on.
type readerAt struct {
	mu sync.Mutex
	in io.ReadSeeker
	at int64
}

func (r *readerAt) ReadAt(p []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if off != r.at {
		if _, err := r.in.Seek(off, io.SeekStart); err != nil {
			return 0, err
		}
	}
	n, err := io.ReadFull(r.in, p)
	r.at = off + int64(n)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	return n, err
}
