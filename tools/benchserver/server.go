package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is one of the sides, running.
type server struct {
	name   string
	url    string
	ready  time.Duration // from start to the first answer of /health
	cmd    *exec.Cmd
	client *http.Client
	log    *os.File

	experiment string
}

// side knows how to start a server that keeps everything in a directory.
type side struct {
	name string
	args func(dir, port string) []string
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// start starts the server and waits until it answers.
func (s side) start(ctx context.Context, dir string) (*server, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // as users have them
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	args := s.args(dir, port)
	v := &server{
		name: s.name, url: "http://127.0.0.1:" + port,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}},
	}
	if v.log, err = os.Create(filepath.Join(dir, "server.log")); err != nil {
		return nil, err
	}
	v.cmd = exec.CommandContext(ctx, args[0], args[1:]...)
	v.cmd.Dir, v.cmd.Stdout, v.cmd.Stderr = dir, v.log, v.log
	v.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	v.cmd.Cancel = func() error { return syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL) }
	began := time.Now()
	if err := v.cmd.Start(); err != nil {
		return nil, err
	}
	for time.Since(began) < 3*time.Minute {
		resp, err := v.client.Get(v.url + "/health") //nolint:noctx // bounded by the loop
		if err == nil {
			err = errors.Join(drain(resp))
			if resp.StatusCode == http.StatusOK && err == nil {
				v.ready = time.Since(began)
				return v, nil
			}
		}
		if ctx.Err() != nil {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("%s did not answer: see %s", s.name, v.log.Name()), v.stop())
}

func drain(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// stop ends the server with all its processes.
func (v *server) stop() error {
	v.client.CloseIdleConnections()
	if err := syscall.Kill(-v.cmd.Process.Pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = v.cmd.Wait() // it was told to end
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
	}
	if err := syscall.Kill(-v.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	<-done
	return v.log.Close()
}

// memory is the proportional set of all processes of the server, in bytes.
func (v *server) memory() (int64, error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, file := range stats {
		stat, err := os.ReadFile(file) //nolint:gosec // of /proc
		if err != nil {
			continue // it ended
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) < 3 || fields[2] != strconv.Itoa(v.cmd.Process.Pid) {
			continue
		}
		rollup, err := os.ReadFile(filepath.Join(filepath.Dir(file), "smaps_rollup")) //nolint:gosec // of /proc
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(rollup)) {
			var kb int64
			if n, _ := fmt.Sscanf(line, "Pss: %d kB", &kb); n == 1 { //nolint:errcheck // other lines
				sum += kb << 10
			}
		}
	}
	return sum, nil
}

const api = "/api/2.0/mlflow/"

// post asks the server and decodes its answer into out, unless that is nil.
func (v *server) post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	return v.do(ctx, http.MethodPost, api+path, body, out)
}

func (v *server) get(ctx context.Context, path string, out any) error {
	return v.do(ctx, http.MethodGet, api+path, nil, out)
}

func (v *server) do(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := v.client.Do(req)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s of %s: %s: %.300s", method, path, v.name, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// createRun makes a run and returns its id.
func (v *server) createRun(ctx context.Context) (string, error) {
	var answer struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			} `json:"info"`
		} `json:"run"`
	}
	err := v.post(ctx, "runs/create", map[string]any{
		"experiment_id": v.experiment, "start_time": time.Now().UnixMilli(), "run_name": "bench",
		"tags": []map[string]string{{"key": "mlflow.user", "value": "bench"}, {"key": "mlflow.source.name", "value": "train.py"}},
	}, &answer)
	return answer.Run.Info.RunID, err
}

func (v *server) createExperiment(ctx context.Context) error {
	var answer struct {
		ExperimentID string `json:"experiment_id"`
	}
	err := v.post(ctx, "experiments/create", map[string]string{"name": "bench"}, &answer)
	v.experiment = answer.ExperimentID
	return err
}
