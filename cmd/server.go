package cmd

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/mlflow"
	"github.com/mlops-cli/mlops/pkg/server"
)

// defaultPort is MLflow's.
const defaultPort = 5000

type serverOptions struct {
	app *app

	host     string
	port     int
	store    string
	files    string
	readOnly bool
	auth     bool
	insecure bool
	anyHook  bool
	hosts    []string
	origins  []string
	cert     string
	key      string
	logLevel string
	places   mlflow.Places

	anyPort bool                                  // take a free port where the usual one is taken
	ready   func(ctx context.Context, url string) // called when requests are answered
}

func newServerCmd(a *app) *cobra.Command {
	o := &serverOptions{app: a}
	c := &cobra.Command{
		Use:   "server",
		Short: "Serve runs and models to MLflow clients and browsers",
		Long: `Serve runs, models and files to MLflow clients and to a browser.

Inside a repository its runs are served, and what clients log is in 'mlops runs
ls' and 'compare'. --store DIR keeps everything in a directory of its own, which
is made; --store postgres://… in a database that several servers may share, with
--artifacts for the files. Clients find it by its URL:

  export MLFLOW_TRACKING_URI=http://127.0.0.1:5000

The server listens on this machine only. On another address it asks for --auth,
or for --insecure, because everybody who reaches it could read and write everything.`,
		Example: `  mlops server
  mlops server --store /srv/mlops --artifacts s3://bucket/artifacts
  mlops server --port 0 --json          a free port; the URL on stdout`,
		Args: cobra.NoArgs,
		RunE: a.run(func(ctx context.Context, _ []string) error { return runServer(ctx, o) }),
	}
	o.flags(c)
	c.AddCommand(newServerUserCmd(a), newServerTokenCmd(a))
	return c
}

func (o *serverOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.host, "host", "127.0.0.1", "`ADDRESS` to listen on")
	f.IntVarP(&o.port, "port", "p", defaultPort, "`PORT` to listen on; 0 takes a free one")
	f.StringVar(&o.store, "store", "", "`DIR` or postgres:// URL that keeps runs and models (default: this repository)")
	f.StringVar(&o.files, "artifacts", "", "`URL` of a bucket, or a directory, for the files of runs (default: the store)")
	f.StringVar(&o.places.Root, "default-artifact-root", "", "`URL` where clients keep files themselves, past the server (default: the server keeps them)")
	f.BoolVar(&o.readOnly, "read-only", false, "refuse everything that writes")
	commaListVar(f, &o.hosts, "allowed-hosts", "`NAMES` under which clients reach the server; * stands for any characters")
	commaListVar(f, &o.origins, "allowed-origins", "`URL` of other sites whose pages may send requests, such as https://hub.example.com")
	f.BoolVar(&o.auth, "auth", false, "ask who it is: see 'mlops server user' and 'mlops server token'")
	f.BoolVar(&o.insecure, "insecure", false, "listen on any address although nobody has to sign in")
	f.BoolVar(&o.anyHook, "insecure-webhooks", false, "let webhooks be plain HTTP and lead into this network")
	f.StringVar(&o.cert, "tls-cert", "", "`FILE` of a certificate: serve HTTPS")
	f.StringVar(&o.key, "tls-key", "", "`FILE` of the certificate's key")
	f.StringVar(&o.logLevel, "log-level", "info", "least `LEVEL` of log lines: debug (every request), info, warn, error")
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

func runServer(ctx context.Context, o *serverOptions) error {
	log, err := o.logger()
	if err != nil {
		return err
	}
	o.host = strings.Trim(o.host, "[]")
	if err := o.mayListen(); err != nil {
		return err
	}
	secure, err := server.LoadTLS(o.cert, o.key, log)
	if err != nil {
		return err
	}
	parts, err := o.open(ctx, log)
	if err != nil {
		return err
	}
	if err := o.guard(ctx, parts); err != nil {
		return err
	}
	srv, err := server.New(server.Options{
		Routes:   parts.routes,
		Auth:     parts.auth,
		Log:      log,
		Clock:    o.app.clock,
		ReadOnly: o.readOnly,
		Hosts:    append([]string{o.host}, o.hosts...),
		Origins:  o.origins,
		Metrics:  parts.metrics,
	})
	if err != nil {
		return err
	}
	ln, err := o.listen(ctx)
	if err != nil {
		return err
	}
	url := o.url(ln.Addr(), secure != nil)
	if err := o.tell(url, parts.what); err != nil {
		return err
	}
	if o.ready != nil {
		go o.ready(ctx, url)
	}
	done := parts.start(ctx)
	err = srv.Run(ctx, ln, secure)
	done()
	return err
}

// logger writes lines of JSON, or of text where a person looks.
func (o *serverOptions) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.logLevel)); err != nil {
		return nil, errs.New(errs.Usage, "--log-level %s: it is none", o.logLevel).
			DidYouMean(strings.ToLower(o.logLevel), []string{"debug", "info", "warn", "error"})
	}
	h := &slog.HandlerOptions{Level: level}
	if o.app.io.IsErrTTY() {
		return slog.New(slog.NewTextHandler(o.app.io.Err, h)), nil
	}
	return slog.New(slog.NewJSONHandler(o.app.io.Err, h)), nil
}

// mayListen refuses to open everything to a network by accident.
func (o *serverOptions) mayListen() error {
	if o.port < 0 || o.port > 65535 {
		return errs.New(errs.Usage, "--port %d: ports go from 0 to 65535", o.port)
	}
	if o.insecure || o.auth || o.loopback() {
		return nil
	}
	return errs.New(errs.Usage, "--host %s: others could read and write everything, nobody has to sign in", o.host).
		Hint("--auth asks who it is: mlops server user add NAME --role admin").
		Hint("--insecure does it all the same: where a proxy asks who it is, or all in the network may")
}

// loopback reports whether only this machine can reach the server.
func (o *serverOptions) loopback() bool {
	address, err := netip.ParseAddr(o.host)
	return o.host == "localhost" || err == nil && address.IsLoopback()
}

func (o *serverOptions) listen(ctx context.Context) (net.Listener, error) {
	ln, err := server.Listen(ctx, net.JoinHostPort(o.host, strconv.Itoa(o.port)))
	if err != nil && o.anyPort {
		return server.Listen(ctx, net.JoinHostPort(o.host, "0"))
	}
	return ln, err
}

// url is where the server is reached from this machine.
func (o *serverOptions) url(address net.Addr, secure bool) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http"
	if secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// tell says where the server is, once it can be reached.
func (o *serverOptions) tell(url, what string) error {
	if o.auth && strings.HasPrefix(url, "http:") && !o.loopback() {
		o.app.io.Warn("passwords and tokens come unencrypted: --tls-cert and --tls-key, or a proxy that serves HTTPS")
	}
	if o.app.io.JSON {
		return o.app.io.JSONLine(struct {
			URL string `json:"url"`
		}{url})
	}
	o.app.io.Note("serving %s at %s", what, url)
	o.app.io.Hint("export MLFLOW_TRACKING_URI=%s", url)
	return nil
}

// absolute is a path that still means the same in another working directory.
func absolute(path string) (string, error) {
	if path == "" || strings.Contains(path, "://") {
		return path, nil
	}
	return filepath.Abs(path)
}
