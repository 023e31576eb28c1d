package term

import (
	"bufio"
	"encoding/json"
	"io"
)

// List writes a JSON array as Result writes a slice, one item at a time, so
// that it may be longer than memory. Items calls add with each.
func (t *IO) List(items func(add func(v any) error) error) error {
	w := bufio.NewWriterSize(t.Out, 1<<16)
	enc := json.NewEncoder(trimEnd{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("  ", "  ")
	before := "[\n  "
	err := items(func(v any) error {
		if _, err := w.WriteString(before); err != nil {
			return err
		}
		before = ",\n  "
		return enc.Encode(v)
	})
	if err != nil {
		return err
	}
	end := "\n]\n"
	if before == "[\n  " {
		end = "[]\n"
	}
	if _, err := w.WriteString(end); err != nil {
		return err
	}
	return w.Flush()
}

// trimEnd drops the line end that json.Encoder puts after a document.
type trimEnd struct{ w io.Writer }

func (t trimEnd) Write(p []byte) (int, error) {
	if _, err := t.w.Write(p[:len(p)-1]); err != nil {
		return 0, err
	}
	return len(p), nil
}
