package main_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
)

// TestTwoAtOnce starts two commands at the same moment, several times: both
// must succeed, and the repository must be sound.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{"add more-%d", "add other-%d"},
		{"add more-%d", "add more-%d"},
		{"add more-%d", "push"},
		{"add more-%d", "run"},
		{"add more-%d", "gc --force --min-age 0s"},
		{"push", "push"},
		{"push", "run"},
		{"run", "gc --force --min-age 0s"},
		{"run", "run"},
		{"run --force", "run"},
		{"push", "gc --force --min-age 0s"},
		{"status", "add more-%d"},
		{"log metric m=%d", "log metric m=%d"},
	} {
		t.Run(pair[0]+" and "+pair[1], func(t *testing.T) {
			t.Parallel()
			s := newSandbox(t)
			s.write("in.txt", "0\n")
			s.write("mlops.yaml", "stages:\n  copy:\n    cmd: cp in.txt out.txt\n    deps: [in.txt]\n    outs: [out.txt]\n")
			s.commitData()
			s.run("mlops", "remote", "add", "origin", s.path("../remote"))
			s.run("mlops", "run")
			for round := range 4 {
				n := strconv.Itoa(round)
				s.write("in.txt", n+"\n")
				s.write("more-"+n, "more "+n+"\n")
				s.write("other-"+n, "other "+n+"\n")
				var wg sync.WaitGroup
				for _, line := range pair {
					args := append([]string{"mlops"}, strings.Fields(strings.ReplaceAll(line, "%d", n))...)
					wg.Go(func() {
						if out, err := s.start(nil, args...); err != nil {
							t.Errorf("round %d: %s: %v\n%s", round, strings.Join(args, " "), err, out)
						}
					})
				}
				wg.Wait()
			}
			s.run("mlops", "fsck")
			s.run("mlops", "push")
			s.run("git", "add", "-A")
			s.run("git", "commit", "-qm", "after")
			s.run("git", "clone", "-q", ".", "../clone")
			s.run("mlops", "-C", "../clone", "pull")
			s.run("mlops", "-C", "../clone", "fsck")
			s.same("../clone/data/a", "a\n")
			if strings.HasPrefix(pair[0], "add") {
				s.same("../clone/more-3", "more 3\n")
			}
		})
	}
}
