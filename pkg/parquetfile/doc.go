// Package parquetfile reads the first rows of Parquet files, to be looked at.
//
// A column is a leaf of the schema: a field of a struct is one by itself, a
// list is a column whose rows have many values. A chunk is the bytes of one
// column in a row group, made of pages.
//
// The files come from anybody. Decoding is done by the library, but no byte
// reaches it that has not been looked at here: each page is checked against the
// limits, decompressed within them, and handed on as a page that is not
// compressed, so that no header can make memory grow.
package parquetfile
