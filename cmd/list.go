package cmd

import (
	"encoding/csv"
	"strings"

	"github.com/spf13/pflag"
)

// list is the value of a flag that may be given more than once. pflag's own
// write an empty CSV record, with 4 KB for its buffer, for each flag of every
// command at every start: a quarter of a millisecond.
type list struct {
	values *[]string
	commas bool // an argument may hold several, as CSV
}

// listVar adds a flag whose arguments are gathered in p.
func listVar(f *pflag.FlagSet, p *[]string, name, short, usage string) {
	f.VarP(&list{values: p}, name, short, usage)
}

// commaListVar is listVar for words: commas part them, too.
func commaListVar(f *pflag.FlagSet, p *[]string, name, usage string) {
	f.VarP(&list{values: p, commas: true}, name, "", usage)
}

// Set adds what an argument holds.
func (l *list) Set(arg string) error {
	if !l.commas {
		*l.values = append(*l.values, arg)
		return nil
	}
	if arg == "" {
		return nil
	}
	words, err := csv.NewReader(strings.NewReader(arg)).Read()
	*l.values = append(*l.values, words...)
	return err
}

// Type is what pflag calls its own lists: help and completion go by it.
func (l *list) Type() string {
	if l.commas {
		return "stringSlice"
	}
	return "stringArray"
}

// String is empty for an empty list: help shows no default.
func (l *list) String() string { return strings.Join(*l.values, ",") }
