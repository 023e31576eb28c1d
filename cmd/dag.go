package cmd

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/pipeline"
)

type dagOptions struct {
	app              *app
	stages           []string
	mermaid, dot, md bool
}

func newDagCmd(a *app) *cobra.Command {
	o := &dagOptions{app: a}
	c := &cobra.Command{
		Use:   "dag [STAGE...]",
		Short: "Draw the graph of the stages",
		Long: `Draw which stage comes after which. With STAGE, only it and what it depends on.
Below a stage stand those that depend on it; one that depends on several is drawn
below the last of them.`,
		Example: `  mlops dag
  mlops dag --mermaid > graph.mmd
  mlops dag --dot | dot -Tsvg > graph.svg
  mlops dag --json`,
		Args: cobra.ArbitraryArgs,
		RunE: a.run(func(ctx context.Context, args []string) error {
			o.stages = args
			return runDag(ctx, o)
		}),
		ValidArgsFunction: completeStages(a),
	}
	f := c.Flags()
	f.BoolVar(&o.mermaid, "mermaid", false, "write a Mermaid flowchart")
	f.BoolVar(&o.dot, "dot", false, "write Graphviz DOT")
	f.BoolVar(&o.md, "md", false, "write Mermaid inside Markdown")
	c.MarkFlagsMutuallyExclusive("mermaid", "dot", "md")
	return c
}

func runDag(ctx context.Context, o *dagOptions) error {
	e, dir, err := o.app.engine(ctx)
	if err != nil {
		return err
	}
	p, err := e.Project(ctx, nil)
	if err != nil {
		return err
	}
	g, err := p.Subgraph(o.stages, dir)
	if err != nil {
		return err
	}
	return o.app.io.Result(map[string]any{"edges": g.Edges()}, func(w io.Writer) error {
		text := ""
		switch {
		case o.mermaid:
			text = g.Mermaid()
		case o.md:
			text = "```mermaid\n" + g.Mermaid() + "```\n"
		case o.dot:
			text = g.Dot()
		case len(p.Stages) == 0:
			o.app.io.Note("there are no stages")
			o.app.io.Hint("add one: mlops stage add -n train -d train.py -o model.pkl python train.py")
		default:
			text = g.Text()
		}
		_, err := fmt.Fprint(w, text)
		return err
	})
}

// completeStages offers the names of the stages.
func completeStages(a *app) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		e, _, err := a.engine(c.Context())
		if err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		p, err := e.Project(c.Context(), nil)
		if err != nil {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return stageNames(p, given, typed), cobra.ShellCompDirectiveNoFileComp
	}
}

func stageNames(p *pipeline.Project, given []string, typed string) []string {
	taken := map[string]bool{}
	for _, g := range given {
		taken[g] = true
	}
	var names []string
	for _, a := range p.Order {
		if !taken[a] && strings.HasPrefix(a, typed) {
			names = append(names, a)
		}
	}
	return names
}
