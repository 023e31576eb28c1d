package mlflow_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/db/dbtest"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/registrydb"
	"github.com/mlops-cli/mlops/pkg/server"
	"github.com/mlops-cli/mlops/pkg/store"
	"github.com/mlops-cli/mlops/pkg/track"
	"github.com/mlops-cli/mlops/pkg/trackdb"
)

// stall is for how long a stream of a crowd's server may stand still.
const stall = 2 * time.Second

// crowd is a server that listens, over a fresh store.
type crowd struct {
	t       *testing.T
	address string
	client  *http.Client
	runs    *trackdb.Service
}

func startCrowd(t *testing.T, open dbtest.Opener) *crowd {
	t.Helper()
	st, err := store.Open(t.Context(), t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	index := open(t)
	local := artifact.NewLocal(st)
	tracking, models := trackdb.New(index, clock.System{}), registrydb.New(index, clock.System{})
	files := artifact.New(tracking, local, local)
	s, err := server.New(server.Options{
		Routes:  append(mlflow.New(tracking, models, files).Routes(), mlflow.FileRoutes(files, models, clock.System{})...),
		Timeout: time.Minute, Stall: stall, Shutdown: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := server.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, ln, nil) }()
	c := &crowd{
		t: t, address: ln.Addr().String(), runs: tracking,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 300, DisableCompression: true}},
	}
	t.Cleanup(func() {
		c.client.CloseIdleConnections()
		stop()
		if err := errors.Join(<-ended, files.Close(), st.Close()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// dial opens a connection and sends the beginning of a request.
func (c *crowd) dial(text string) net.Conn {
	c.t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(c.t.Context(), "tcp", c.address)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// do asks the server; out is nil or where the answer goes.
func (c *crowd) do(method, path, body string, out any) error {
	r, err := http.NewRequestWithContext(c.t.Context(), method, "http://"+c.address+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s %.200s", method, path, resp.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// train is what a client does in the crowd; it returns how long its slowest
// request took.
func (c *crowd) train(i int) (slowest time.Duration, err error) {
	const api = "/api/2.0/mlflow/"
	ask := func(method, path, body string, out any) {
		if err != nil {
			return
		}
		at := time.Now()
		err = c.do(method, path, body, out)
		slowest = max(slowest, time.Since(at))
	}
	var made struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			}
		}
	}
	ask(http.MethodPost, api+"runs/create", fmt.Sprintf(`{"experiment_id": "0", "run_name": "r%d"}`, i), &made)
	id := made.Run.Info.ID
	for step := range 2 {
		ask(http.MethodPost, api+"runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "loss", "value": 0.5, "timestamp": 1, "step": %d}`, id, step), nil)
	}
	ask(http.MethodPost, api+"runs/log-batch", batch(id, 20, 5, 0), nil)
	ask(http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/0/"+id+"/artifacts/f.txt", "small", nil)
	ask(http.MethodGet, api+"runs/get?run_id="+id, "", nil)
	ask(http.MethodPost, api+"runs/search", `{"experiment_ids": ["0"], "filter": "metrics.loss < 1", "max_results": 20}`, nil)
	ask(http.MethodPost, api+"runs/update", fmt.Sprintf(`{"run_id": %q, "status": "FINISHED"}`, id), nil)
	return slowest, err
}

// A thousand idle clients, readers that do not read and bodies that do not come
// stop none of two hundred that work; what is slow is broken off, what is idle
// stays.
func TestACrowdOfClients(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, open dbtest.Opener) {
		const idle, active, stuck, large = 1000, 200, 40, 32 << 20
		c := startCrowd(t, open)
		run, err := c.runs.Create(t.Context(), track.Run{ExperimentID: "0", Name: "files"})
		if err != nil {
			t.Fatal(err)
		}
		file := "/api/2.0/mlflow-artifacts/artifacts/0/" + run.ID + "/artifacts/"
		if err := c.do(http.MethodPut, file+"large", strings.Repeat("x", large), nil); err != nil {
			t.Fatal(err)
		}
		var sleepers, slow, half []net.Conn
		for range idle {
			conn := c.dial("")
			if err := wake(conn); err != nil {
				t.Fatal(err)
			}
			sleepers = append(sleepers, conn)
		}
		for i := range stuck {
			slow = append(slow, c.dial("GET "+file+"large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
			half = append(half, c.dial(fmt.Sprintf("PUT %shalf%d HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n%s", file, i, strings.Repeat("y", 100_000))))
			half = append(half, c.dial("POST /api/2.0/mlflow/runs/log-batch HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"))
		}
		stood := time.Now()
		slowest, failed := make([]time.Duration, active), make([]error, active)
		var wait sync.WaitGroup
		for i := range active {
			wait.Go(func() { slowest[i], failed[i] = c.train(i) })
		}
		wait.Wait()
		if err := errors.Join(failed...); err != nil {
			t.Fatal(err)
		}
		for _, took := range slowest {
			if took > time.Minute { // on a busy machine that checks for races
				t.Errorf("a request took %v", took)
			}
		}
		found, err := c.runs.Runs(t.Context(), track.Query{Experiments: []string{"0"}, Statuses: []track.Status{track.Finished}})
		if err != nil || len(found) != active {
			t.Errorf("%d runs are finished: %v", len(found), err)
		}
		for _, r := range found {
			if len(r.Metrics) != 21 || len(r.Params) != 5 {
				t.Errorf("run %s has %d metrics and %d params", r.Name, len(r.Metrics), len(r.Params))
			}
		}
		time.Sleep(time.Until(stood.Add(stall + time.Second)))
		for _, conn := range slow {
			if n := drained(t, conn); n >= large {
				t.Error("a reader that stood still got all of the file")
			}
		}
		for i, conn := range half {
			if i%2 == 0 { // an upload has the time of a stream, a document that of a request
				drained(t, conn)
			}
		}
		if err := c.do(http.MethodGet, file+"half0", "", nil); err == nil {
			t.Error("half a body became a file")
		}
		for _, conn := range sleepers[:50] {
			if err := wake(conn); err != nil {
				t.Errorf("a client that was idle: %v", err)
			}
		}
	})
}

// drained reads what the server sent until it broke off.
func drained(t *testing.T, conn net.Conn) int64 {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, conn)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		t.Fatal("a client that stood still was not broken off")
	}
	return n
}

// wake sends a request on a connection that says nothing else.
func wake(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
