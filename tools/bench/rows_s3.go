package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// s3Push measures push of 100,000 small files to an S3 server on this machine.
func s3Push(ctx context.Context, b *bench) (rows []result, err error) {
	n := b.count(100_000)
	what := fmt.Sprintf("`push` %s × 4 KiB, S3 on this machine", thousands(n))
	data := b.path("s3", "data")
	if err := makeFiles(data, n, 4<<10, 4); err != nil {
		return nil, err
	}
	server, err := b.startS3(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	env := b.env
	b.env = append(env[:len(env):len(env)], server.env()...)
	defer func() { b.env = env }()

	sides := []side{{name: "mlops", run: func(ctx context.Context, i int) (sample, error) {
		repo := b.path("s3", fmt.Sprint("mlops-", i))
		bucket, err := server.bucket(fmt.Sprint("mlops-", i))
		if err != nil {
			return sample{}, err
		}
		if _, err := b.addIn(ctx, repo, data); err != nil {
			return sample{}, err
		}
		url := fmt.Sprintf("s3://%s?endpoint=%s&use_path_style=true", bucket, server.url)
		if err := b.do(ctx, repo, b.mlops, "remote", "add", "s3", url); err != nil {
			return sample{}, err
		}
		return b.measure(ctx, repo, b.mlops, "push", "--json")
	}}}
	peer, objects := b.objectPerFile(server, data)
	if peer != "" {
		sides = append(sides, side{name: peer, most: 1, run: objects})
	}
	if b.dvc != "" {
		sides = append(sides, side{name: "dvc", most: 1, run: func(ctx context.Context, _ int) (sample, error) { return b.dvcS3(ctx, server, data) }})
	}
	all, err := b.race(ctx, what, b.runs, sides...)
	if err != nil {
		return nil, err
	}
	if peer == "" {
		peer = "rclone"
	}
	return []result{
		ratio(what, all, "mlops", peer, 0.05),
		ratio(what, all, "mlops", "dvc", 0.02),
	}, nil
}

// objectPerFile is the peer that uploads each file by itself, with 32 at once.
func (b *bench) objectPerFile(server *s3Server, data string) (string, func(context.Context, int) (sample, error)) {
	run := func(args func(bucket string) []string) func(context.Context, int) (sample, error) {
		return func(ctx context.Context, _ int) (sample, error) {
			bucket, err := server.bucket("plain-objects")
			if err != nil {
				return sample{}, err
			}
			return b.measure(ctx, b.work, args(bucket)...)
		}
	}
	switch {
	case b.rclone != "":
		return "rclone", run(func(bucket string) []string {
			return []string{b.rclone, "copy", "--transfers", "32", "--checkers", "32", data, "bench:" + bucket}
		})
	case b.s5cmd != "":
		return "s5cmd", run(func(bucket string) []string {
			return []string{b.s5cmd, "--endpoint-url", server.url, "cp", data + "/", "s3://" + bucket + "/"}
		})
	}
	return "", nil
}

func (b *bench) dvcS3(ctx context.Context, server *s3Server, data string) (sample, error) {
	dir := b.path("s3", "dvc")
	bucket, err := server.bucket("dvc-bucket")
	if err != nil {
		return sample{}, err
	}
	if _, err := b.dvcAddIn(ctx, dir, data); err != nil {
		return sample{}, err
	}
	for _, args := range [][]string{
		{"remote", "add", "-q", "-d", "s3", "s3://" + bucket},
		{"remote", "modify", "-q", "s3", "endpointurl", server.url},
	} {
		if err := b.do(ctx, dir, append([]string{b.dvc}, args...)...); err != nil {
			return sample{}, err
		}
	}
	return b.measure(ctx, dir, b.dvc, "push", "-q")
}

// s3Server is versitygw on a directory: a folder is a bucket.
type s3Server struct {
	dir, url string
	process  *exec.Cmd
}

const s3Key, s3Secret = "bench", "benchbench" // of the server below, on loopback

func (b *bench) startS3(ctx context.Context) (*s3Server, error) {
	program := b.s3
	if program == "" {
		b.say("building versitygw (minutes, the first time)")
		program = b.path("versitygw")
		c := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
		c.Dir, c.Env = filepath.Join(b.root, "tools"), append(os.Environ(), "CGO_ENABLED=0")
		if out, err := c.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build versitygw: %w\n%s", err, out)
		}
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		return nil, err
	}
	s := &s3Server{dir: b.path("s3", "server"), url: "http://" + address}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return nil, err
	}
	s.process = exec.CommandContext(ctx, program, "--port", address, "--quiet", "posix", s.dir)
	s.process.Env = append(os.Environ(), "ROOT_ACCESS_KEY_ID="+s3Key, "ROOT_SECRET_ACCESS_KEY="+s3Secret)
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for range 100 {
		var d net.Dialer
		if conn, err := d.DialContext(ctx, "tcp", address); err == nil {
			return s, conn.Close()
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil, errors.Join(fmt.Errorf("versitygw does not answer on %s", address), s.stop())
}

func (s *s3Server) stop() error {
	if err := s.process.Process.Kill(); err != nil {
		return err
	}
	var exit *exec.ExitError
	if err := s.process.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

// bucket makes one and returns its name.
func (s *s3Server) bucket(name string) (string, error) {
	name = "bench-" + strings.ToLower(name)
	return name, os.Mkdir(filepath.Join(s.dir, name), 0o755)
}

// env gives clients the keys; rclone takes its remote "bench" from it.
func (s *s3Server) env() []string {
	return []string{
		"AWS_ACCESS_KEY_ID=" + s3Key, "AWS_SECRET_ACCESS_KEY=" + s3Secret, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"RCLONE_CONFIG_BENCH_TYPE=s3", "RCLONE_CONFIG_BENCH_PROVIDER=Other", "RCLONE_CONFIG_BENCH_ENV_AUTH=true",
		"RCLONE_CONFIG_BENCH_ENDPOINT=" + s.url, "RCLONE_CONFIG_BENCH_REGION=us-east-1",
	}
}
