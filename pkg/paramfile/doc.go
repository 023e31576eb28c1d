// Package paramfile reads the files that hold parameters and other small
// values: YAML 1.2 (scalars as Python users know them), JSON, TOML, and the
// literals of a Python module.
//
// A value is nil, bool, int64, *big.Int (an integer beyond 64 bits), float64,
// string, Date, []any or *Map. A Map keeps the order of its keys. A key path
// names a value inside another: train.lr, layers.2 or layers[2].
package paramfile
