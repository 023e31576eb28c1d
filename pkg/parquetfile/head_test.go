package parquetfile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/parquetfile"
)

type row struct {
	ID     int64     `parquet:"id"`
	Score  *float64  `parquet:"score,optional"`
	Label  string    `parquet:"label,dict"`
	At     time.Time `parquet:"at,timestamp(millisecond)"`
	Vector []float32 `parquet:"vector,list"`
	Image  struct {
		Bytes []byte `parquet:"bytes"`
		Path  string `parquet:"path"`
	} `parquet:"image"`
	OK    bool  `parquet:"ok"`
	Price int32 `parquet:"price,decimal(2:9)"`
}

// write is a file of n rows, in small pages.
func write(t testing.TB, n, version int, codec compress.Codec) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.Compression(codec), parquet.DataPageVersion(version), parquet.PageBufferSize(1000))
	for i := range n {
		r := row{ID: int64(i), Label: []string{"cat", "dog"}[i%2], At: time.UnixMilli(1_700_000_000_500), OK: i%2 == 0, Price: int32(i * 7)}
		if i%3 != 0 {
			v := float64(i) / 4
			r.Score = &v
		}
		for k := range i % 12 {
			r.Vector = append(r.Vector, float32(k)/2)
		}
		r.Image.Bytes, r.Image.Path = bytes.Repeat([]byte{0xff, 0, byte(i)}, 20), fmt.Sprintf("img_%03d.png", i)
		if _, err := w.Write([]row{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHeadOfEveryCodec(t *testing.T) {
	t.Parallel()
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Gzip, &parquet.Zstd, &parquet.Brotli, &parquet.Lz4Raw} {
		for version := 1; version <= 2; version++ {
			t.Run(fmt.Sprint(codec, version), func(t *testing.T) {
				t.Parallel()
				data := write(t, 1000, version, codec)
				table, err := parquetfile.Head(bytes.NewReader(data), int64(len(data)), 50)
				if err != nil {
					t.Fatal(err)
				}
				if table.NumRows != 1000 || len(table.Rows) != 50 {
					t.Errorf("%d rows, %d of them here", table.NumRows, len(table.Rows))
				}
				var names []string
				for _, c := range table.Columns {
					names = append(names, c.Name)
					if c.Problem != "" {
						t.Errorf("%s: %s", c.Name, c.Problem)
					}
				}
				if got, want := strings.Join(names, " "), "id score label at vector image.bytes image.path ok price"; got != want {
					t.Fatalf("columns %q, want %q", got, want)
				}
				for i, want := range map[int]string{
					0:  "0||cat|2023-11-14 22:13:20.5Z|[]|0xff0000ff0000ff00… 60 bytes|img_000.png|true|0.00",
					2:  "2|0.5|cat|2023-11-14 22:13:20.5Z|[0, 0.5]|0xff0002ff0002ff00… 60 bytes|img_002.png|true|0.14",
					23: "23|5.75|dog|2023-11-14 22:13:20.5Z|[0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, … 3 more]|0xff0017ff0017ff00… 60 bytes|img_023.png|false|1.61",
				} {
					if got := strings.Join(table.Rows[i], "|"); got != want {
						t.Errorf("row %d\n got %s\nwant %s", i, got, want)
					}
				}
			})
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	whole := write(t, 20, 1, &parquet.Snappy)
	long := bytes.Clone(whole)
	binary.LittleEndian.PutUint32(long[len(long)-8:], 1<<31)
	for name, data := range map[string][]byte{"short": []byte("PAR1"), "cut": whole[:len(whole)-5], "text": []byte(strings.Repeat("a,b\n", 20)), "footer": long} {
		_, err := parquetfile.Head(bytes.NewReader(data), int64(len(data)), 10)
		if !errs.Is(err, errs.Corrupt) || !strings.Contains(err.Error(), "Parquet") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A page that is damaged costs its column, not the others.
func TestDamagedPage(t *testing.T) {
	t.Parallel()
	data := write(t, 100, 1, &parquet.Zstd)
	copy(data[4:], bytes.Repeat([]byte{0xee}, 40)) // the first pages of the first column
	table, err := parquetfile.Head(bytes.NewReader(data), int64(len(data)), 10)
	if err != nil {
		t.Fatal(err)
	}
	if table.Columns[0].Problem == "" || table.Columns[2].Problem != "" || table.Rows[1][2] != "dog" {
		t.Errorf("%+v %v", table.Columns, table.Rows[1])
	}
}

func FuzzHead(f *testing.F) {
	for _, codec := range []compress.Codec{&parquet.Uncompressed, &parquet.Snappy, &parquet.Zstd} {
		f.Add(write(f, 30, 1, codec))
		f.Add(write(f, 30, 2, codec))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := parquetfile.Head(bytes.NewReader(data), int64(len(data)), 20)
		if (table == nil) == (err == nil) {
			t.Errorf("%v and %v", table, err)
		}
	})
}

// Whatever is wrong in a file, memory does not follow what it says.
func TestDamageStaysSmall(t *testing.T) {
	files := [][]byte{write(t, 30, 1, &parquet.Snappy), write(t, 30, 2, &parquet.Zstd), write(t, 30, 1, &parquet.Uncompressed)}
	random := rand.New(rand.NewPCG(5, 6))
	var before, after runtime.MemStats
	for i := range 1500 {
		data := bytes.Clone(files[i%len(files)])
		for range 1 + random.IntN(4) {
			data[random.IntN(len(data))] = byte(random.IntN(256))
		}
		runtime.ReadMemStats(&before)
		_, _ = parquetfile.Head(bytes.NewReader(data), int64(len(data)), 20)
		runtime.ReadMemStats(&after)
		if made := after.TotalAlloc - before.TotalAlloc; made > 256<<20 {
			t.Errorf("%d MiB were allocated for a file of %d bytes", made>>20, len(data))
		}
	}
}
