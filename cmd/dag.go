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
	full, collapse   bool
	state            bool
}

func newDagCmd(a *app) *cobra.Command {
	o := &dagOptions{app: a}
	c := &cobra.Command{
		Use:   "dag [STAGE...]",
		Short: "Draw the graph of the stages",
		Long: `Draw which stage comes after which. With STAGE, only it and what it depends on.
Below a stage stand those that depend on it; one that depends on several is drawn
below the last of them.

The stages of a foreach, a matrix or a map are one node with their number. Of more
than 100 nodes each line is a layer: stages that wait for none of one another, only
for some of the layers above. --full draws each stage. --json has each, unless --collapse is given. With --state, every node
says what 'mlops run' would do with it, and why.`,
		Example: `  mlops dag
  mlops dag --state                 what is up to date, and why the rest is not
  mlops dag train --full
  mlops dag --mermaid > graph.mmd
  mlops dag --state --dot | dot -Tsvg > graph.svg
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
	f.BoolVar(&o.full, "full", false, "draw each stage of a group")
	f.BoolVar(&o.collapse, "collapse", false, "one node for each group, with --json too")
	f.BoolVar(&o.state, "state", false, "show what 'mlops run' would do with each stage, and why")
	c.MarkFlagsMutuallyExclusive("mermaid", "dot", "md")
	c.MarkFlagsMutuallyExclusive("full", "collapse")
	return c
}

// dagReport is the contract of dag --json.
type dagReport struct {
	Edges  map[string][]string          `json:"edges"`
	Groups map[string]int               `json:"groups,omitempty"` // with --collapse: node → stages
	State  map[string]pipeline.Standing `json:"state,omitempty"`  // with --state: node → how it stands
}

// manyNodes is from how many nodes on a drawing has a line for each layer.
const manyNodes = 100

func runDag(ctx context.Context, o *dagOptions) error {
	e, p, dir, err := o.app.project(ctx)
	if err != nil {
		return err
	}
	draw := p.Collapsed
	if o.full || o.app.io.JSON && !o.collapse {
		draw = p.Subgraph
	}
	g, err := draw(o.stages, dir)
	if err != nil {
		return err
	}
	if o.state {
		steps, err := e.PlanProject(ctx, p, pipeline.PlanRequest{Stages: o.stages, Dir: dir})
		if err != nil {
			return err
		}
		g.Mark(p, steps)
	}
	return o.app.io.Result(dagReport{g.Edges(), g.Groups(), g.Standings()}, func(w io.Writer) error {
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
		case g.Len() > manyNodes && !o.full:
			text = g.Layers()
			o.app.io.Hint("a line for each layer; to see every stage: mlops dag --full")
		default:
			text = g.Text()
		}
		_, err := fmt.Fprint(w, text)
		return err
	})
}

// project opens the engine and reads every pipeline file. Dir is the working
// directory, as the names of stages are relative to it.
func (a *app) project(ctx context.Context) (e *pipeline.Engine, p *pipeline.Project, dir string, err error) {
	if e, dir, err = a.engine(ctx); err != nil {
		return nil, nil, "", err
	}
	p, err = e.Project(ctx, nil)
	return e, p, dir, err
}

// completeStages offers the names of the stages.
func completeStages(a *app) cobra.CompletionFunc {
	return func(c *cobra.Command, given []string, typed string) ([]string, cobra.ShellCompDirective) {
		_, p, _, err := a.project(c.Context())
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
