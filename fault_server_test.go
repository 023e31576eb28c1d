package main_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/cmd"
	"github.com/mlops-cli/mlops/pkg/term"
)

// uploadName is the command by which tests send a file to a server that dies.
const uploadName = "mlops-test-upload"

// uploadMain serves the repository that it is started in, and sends a file to a
// run of this server. It is all one process, for faults to end.
func uploadMain() int {
	ctx, stop := context.WithTimeout(withFault(context.Background()), time.Minute)
	defer stop()
	out, in := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- cmd.Main(ctx, []string{"server", "--port", "0", "--json"}, term.New(term.Config{Out: in, Err: os.Stderr}))
	}()
	err := upload(ctx, out)
	stop()
	if c := <-code; err == nil && c == 0 {
		return 0
	}
	fmt.Fprintln(os.Stderr, "upload:", err)
	return 1
}

// upload reads where the server is, and sends to it.
func upload(ctx context.Context, ready io.Reader) error {
	var server struct{ URL string }
	line, err := bufio.NewReader(ready).ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &server); err != nil {
		return err
	}
	answer, err := send(ctx, http.MethodPost, server.URL+"/api/2.0/mlflow/runs/create", `{"experiment_id": "0", "run_name": "sent"}`)
	if err != nil {
		return err
	}
	var created struct {
		Run struct {
			Info struct {
				URI string `json:"artifact_uri"`
			}
		}
	}
	if err := json.Unmarshal(answer, &created); err != nil {
		return err
	}
	root := server.URL + "/api/2.0/mlflow-artifacts/artifacts/" + strings.TrimPrefix(created.Run.Info.URI, "mlflow-artifacts:/")
	_, err = send(ctx, http.MethodPut, root+"/dir/model.bin", strings.Repeat("weights ", 20<<10))
	return err
}

func send(ctx context.Context, method, url, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return answer, err
}
