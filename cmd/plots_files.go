package cmd

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/plot"
)

// pictureFiles writes plots as files of their own.
type pictureFiles struct {
	svg, png string // directories; "" is none
	used     map[string]bool
	written  []string
}

func (p *pictureFiles) write(id string, f plot.Figure) error {
	if p.svg != "" {
		if err := p.put(p.svg, id, ".svg", f.SVG()); err != nil {
			return err
		}
	}
	if p.png != "" {
		b, err := f.PNG()
		if err != nil {
			return errs.New(errs.Usage, "draw %s: %w", id, err)
		}
		return p.put(p.png, id, ".png", b)
	}
	return nil
}

// copy writes a picture beside the drawn ones, with its revision in its name.
func (p *pictureFiles) copy(id string, image plot.Image) error {
	ext := filepath.Ext(id)
	for _, dir := range []string{p.svg, p.png} {
		if dir != "" && (dir == p.svg || p.svg == "") {
			return p.put(dir, strings.TrimSuffix(id, ext)+"_"+image.Name, ext, image.Data)
		}
	}
	return nil
}

func (p *pictureFiles) put(dir, id, ext string, data []byte) error {
	base := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>| `, r) || r < ' ' {
			return '_'
		}
		return r
	}, strings.TrimSuffix(id, filepath.Ext(id)))
	name := filepath.Join(dir, base+ext)
	for n := 2; p.used[strings.ToLower(name)]; n++ {
		name = filepath.Join(dir, fmt.Sprintf("%s_%d%s", base, n, ext))
	}
	p.used[strings.ToLower(name)] = true
	p.written = append(p.written, name)
	return writeMade(name, data)
}
