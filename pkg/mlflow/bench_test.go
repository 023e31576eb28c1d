package mlflow_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// ask sends one request and returns the answer.
func ask(tb testing.TB, method, url, body string) map[string]any {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		tb.Fatalf("%s %s: %d %s", method, url, res.StatusCode, data)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(data, &answer); err != nil {
		tb.Fatal(err)
	}
	return answer
}

func BenchmarkProtocol(b *testing.B) {
	api := startServer(b) + "/api/2.0/mlflow/"
	newRun := func() string {
		return lookUp(ask(b, "POST", api+"runs/create", `{"experiment_id": "0", "start_time": 1700000000000}`), "run.info.run_id").(string)
	}
	id := newRun()
	for i := range 10 {
		ask(b, "POST", api+"runs/log-batch", batch(id, 10, 10, i*10))
	}
	b.Run("get run", func(b *testing.B) {
		for b.Loop() {
			ask(b, "GET", api+"runs/get?run_id="+id, "")
		}
	})
	b.Run("create run", func(b *testing.B) {
		for b.Loop() {
			newRun()
		}
	})
	for _, c := range []struct {
		name string
		body func(i int) string
		path string
	}{
		{"log metric", func(i int) string {
			return fmt.Sprintf(`{"run_id": "%s", "key": "loss", "value": 0.5, "timestamp": 1700000000000, "step": %d}`, id, i)
		}, "runs/log-metric"},
		{"log batch", func(i int) string { return batch(id, 100, 10, i*100) }, "runs/log-batch"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(4)
			steps := make(chan int, 8)
			go func() {
				defer close(steps)
				for i := range b.N {
					steps <- i
				}
			}()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b, "POST", api+c.path, c.body(<-steps))
				}
			})
		})
	}
	b.Run("search", func(b *testing.B) {
		for b.Loop() {
			ask(b, "POST", api+"runs/search", `{"experiment_ids": ["0"], "filter": "metrics.m1 > 0 and params.p1 = '1'", "order_by": ["metrics.m1 DESC"], "max_results": 100}`)
		}
	})
}

// batch is a body of log-batch.
func batch(id string, metrics, params, step int) string {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"run_id": "%s", "metrics": [`, id)
	for i := range metrics {
		fmt.Fprintf(&b, `%s{"key": "m%d", "value": 0.%d1, "timestamp": 1700000000000, "step": %d}`, comma(i), i, i, step+i)
	}
	b.WriteString(`], "params": [`)
	for i := range params {
		fmt.Fprintf(&b, `%s{"key": "p%d", "value": "%d"}`, comma(i), i, i)
	}
	b.WriteString("]}")
	return b.String()
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ", "
}
