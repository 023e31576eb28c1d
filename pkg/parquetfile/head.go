package parquetfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// The limits of what is read of a file.
const (
	maxFooter  = 16 << 20  // bytes
	maxPage    = 32 << 20  // bytes of a page, compressed or not
	maxValues  = 8 << 20   // values of a page
	maxRead    = 192 << 20 // bytes of all pages, not compressed
	maxColumns = 200
)

// Table is the beginning of a file.
type Table struct {
	Columns []Column
	Rows    [][]string // of each row, a text for each column
	NumRows int64      // in the whole file
	More    int        // columns beyond those here
}

// Column is a leaf of the schema.
type Column struct {
	Name    string // with dots where it is in a struct
	Type    string
	Number  bool   // its values are numbers
	Problem string // why its values are not here; "" when they are
}

// Head reads the first rows of the file of size bytes in r. A file that is not
// Parquet, or is damaged, is an error of kind errs.Corrupt; one column that cannot
// be read is a Problem of the column.
func Head(r io.ReaderAt, size int64, rows int) (t *Table, err error) {
	// The library checks much, but a file made to break it may still do so.
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, errs.New(errs.Corrupt, "the Parquet file is damaged: %v", p)
		}
	}()
	meta, err := footer(r, size)
	if err != nil {
		return nil, err
	}
	t = &Table{NumRows: meta.NumRows}
	file, chunks, err := plain(meta)
	if err != nil {
		return nil, err
	}
	budget := int64(maxRead)
	leaves := leavesOf(file.Root())
	t.More = max(0, len(leaves)-maxColumns)
	leaves = leaves[:len(leaves)-t.More]
	t.Rows = make([][]string, min(int64(rows), max(0, meta.NumRows)))
	for i := range t.Rows {
		t.Rows[i] = make([]string, len(leaves))
	}
	for i, leaf := range leaves {
		c := Column{Name: nameOf(leaf), Type: typeOf(leaf), Number: isNumber(leaf)}
		err := column(r, size, file, chunks, leaf, &budget, func(row int, text string) bool {
			if row >= len(t.Rows) {
				return false
			}
			t.Rows[row][i] = text
			return true
		})
		if err != nil {
			c.Problem = err.Error()
		}
		t.Columns = append(t.Columns, c)
	}
	return t, nil
}

// footer reads what a file says of itself.
func footer(r io.ReaderAt, size int64) (*format.FileMetaData, error) {
	notParquet := func(why string) error { return errs.New(errs.Corrupt, "not a Parquet file: %s", why) }
	if size < 12 {
		return nil, notParquet("it is too short")
	}
	var end [8]byte
	if _, err := r.ReadAt(end[:], size-8); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the end of the Parquet file: %w", err)
	}
	switch string(end[4:]) {
	case "PAR1":
	case "PARE":
		return nil, errs.New(errs.Corrupt, "the Parquet file is encrypted")
	default:
		return nil, notParquet("it does not end as one: was it written to its end?")
	}
	n := int64(binary.LittleEndian.Uint32(end[:4]))
	if n > size-12 {
		return nil, notParquet("its footer is longer than the file")
	}
	if n > maxFooter {
		return nil, errs.New(errs.Corrupt, "the footer of the Parquet file has %d MiB: too much to show", n>>20)
	}
	data := make([]byte, n)
	if _, err := r.ReadAt(data, size-8-n); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the footer of the Parquet file: %w", err)
	}
	meta := new(format.FileMetaData)
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), data, meta); err != nil {
		return nil, errs.New(errs.Corrupt, "the footer of the Parquet file is damaged: %w", err)
	}
	return meta, nil
}

// plain opens a file of the same schema whose chunks are not compressed and
// all begin after the first four bytes; what they really are comes beside it,
// for the first rows only.
func plain(meta *format.FileMetaData) (*parquet.File, []chunk, error) {
	var chunks []chunk
	at := slices.IndexFunc(meta.RowGroups, func(g format.RowGroup) bool { return g.NumRows > 0 })
	small := format.FileMetaData{Version: 1, Schema: meta.Schema}
	if at >= 0 {
		group := meta.RowGroups[at]
		for i := range group.Columns {
			m := &group.Columns[i].MetaData
			begin := m.DataPageOffset
			if m.DictionaryPageOffset > 0 {
				begin = min(begin, m.DictionaryPageOffset)
			}
			chunks = append(chunks, chunk{begin: begin, length: m.TotalCompressedSize, codec: m.Codec, elsewhere: group.Columns[i].FilePath != ""})
			group.Columns[i] = format.ColumnChunk{MetaData: format.ColumnMetaData{
				Type: m.Type, Encoding: m.Encoding, PathInSchema: m.PathInSchema, Codec: format.Uncompressed,
				NumValues: m.NumValues, TotalCompressedSize: 1 << 40, TotalUncompressedSize: 1 << 40, DataPageOffset: int64(len(magic)),
			}}
		}
		small.NumRows = group.NumRows
		small.RowGroups = append(small.RowGroups, format.RowGroup{Columns: group.Columns, NumRows: group.NumRows})
	}
	text, err := thrift.Marshal(new(thrift.CompactProtocol), &small)
	if err != nil {
		return nil, nil, errs.New(errs.Corrupt, "the footer of the Parquet file is damaged: %w", err)
	}
	all := binary.LittleEndian.AppendUint32(append([]byte(magic), text...), uint32(len(text)))
	all = append(all, magic...)
	file, err := parquet.OpenFile(strings.NewReader(string(all)), int64(len(all)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, errs.New(errs.Corrupt, "the Parquet file is damaged: %w", err)
	}
	return file, chunks, nil
}

const magic = "PAR1"

// leavesOf are the columns that have values.
func leavesOf(c *parquet.Column) []*parquet.Column {
	if c.Leaf() {
		return []*parquet.Column{c}
	}
	var out []*parquet.Column
	for _, below := range c.Columns() {
		out = append(out, leavesOf(below)...)
	}
	return out
}

// column reads the values of a column, and gives the text of each row to fn
// until it has enough.
func column(r io.ReaderAt, size int64, file *parquet.File, chunks []chunk, leaf *parquet.Column, budget *int64, fn func(row int, text string) bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it is damaged: %v", p)
		}
	}()
	if len(file.RowGroups()) == 0 {
		return nil
	}
	i := leaf.Index()
	all := file.RowGroups()[0].ColumnChunks()
	if i < 0 || i >= len(all) || i >= len(chunks) {
		return errors.New("the file does not say where it is")
	}
	from, ok := all[i].(*parquet.FileColumnChunk)
	if !ok {
		return errors.New("it cannot be read")
	}
	cleaned, err := newCleaned(r, size, chunks[i], levels{leaf.MaxRepetitionLevel(), leaf.MaxDefinitionLevel()}, budget)
	if err != nil {
		return err
	}
	pages := from.PagesFrom(cleaned)
	defer func() { err = errors.Join(err, pages.Close()) }()
	top := file.Root().Column(leaf.Path()[0])
	rows := rowsOf{leaf: leaf, optional: top != nil && top.Optional(), show: shower(leaf), fn: fn}
	for {
		page, err := pages.ReadPage()
		if cleaned.err != nil { // the library takes it for the end
			return cleaned.err
		}
		if errors.Is(err, io.EOF) {
			rows.end()
			return nil
		}
		if err != nil {
			return err
		}
		done, err := rows.page(page)
		parquet.Release(page)
		if done || err != nil {
			return err
		}
	}
}

// rowsOf makes rows of values.
type rowsOf struct {
	leaf     *parquet.Column
	optional bool // a row may have no list at all
	show     func(parquet.Value) string
	fn       func(row int, text string) bool

	row  int
	list []string // of the row, where it may have many values
	more int      // values of the list that are left out
	some bool     // a row has begun
	null bool     // which has no list
}

// listed is how many values of a list are shown.
const listed = 8

func (s *rowsOf) page(p parquet.Page) (done bool, err error) {
	values := p.Values()
	var buffer [256]parquet.Value
	for {
		n, err := values.ReadValues(buffer[:])
		for _, v := range buffer[:n] {
			if !s.value(v) {
				return true, nil
			}
		}
		if errors.Is(err, io.EOF) || (err == nil && n == 0) {
			return false, nil
		}
		if err != nil {
			return true, err
		}
	}
}

func (s *rowsOf) value(v parquet.Value) bool {
	if s.leaf.MaxRepetitionLevel() == 0 {
		text := ""
		if !v.IsNull() {
			text = s.show(v)
		}
		s.row++
		return s.fn(s.row-1, text)
	}
	if v.RepetitionLevel() == 0 {
		if !s.end() {
			return false
		}
		s.some, s.null = true, s.optional && v.IsNull() && v.DefinitionLevel() == 0
	}
	switch {
	case v.IsNull() && v.DefinitionLevel() < s.leaf.MaxDefinitionLevel(): // an empty list, or none
		if v.RepetitionLevel() > 0 || len(s.list) > 0 {
			s.list = append(s.list, "null")
		}
	case len(s.list) >= listed:
		s.more++
	default:
		s.list = append(s.list, s.show(v))
	}
	return true
}

// end gives the row of a list that is whole.
func (s *rowsOf) end() bool {
	if !s.some {
		return true
	}
	text := strings.Join(s.list, ", ")
	if s.more > 0 {
		text += fmt.Sprintf(", … %d more", s.more)
	}
	text = "[" + text + "]"
	if s.null {
		text = ""
	}
	s.row++
	s.list, s.more, s.some = s.list[:0], 0, false
	return s.fn(s.row-1, text)
}
