package server

import (
	"crypto/tls"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// certificate is a certificate of two files, which are read again when they have
// changed: certificates are renewed while a server runs.
type certificate struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	stamp  [2]time.Time
	failed string // why the files cannot be read now
}

// LoadTLS returns the configuration that serves the certificate of two files; nil
// when they are "". The log has when they are read again, and why not.
func LoadTLS(cert, key string, log *slog.Logger) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil //nolint:nilnil // no TLS
	}
	c := &certificate{cert: cert, key: key, log: log}
	for _, path := range []*string{&c.cert, &c.key} { // the program may go to another directory
		var err error
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	if _, err := c.get(nil); err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var stamp [2]time.Time
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return c.fallback(err)
		}
		stamp[i] = info.ModTime()
	}
	if c.loaded != nil && stamp == c.stamp {
		return c.loaded, nil
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return c.fallback(err)
	}
	if c.loaded != nil {
		c.log.Info("certificate read again", "file", c.cert)
	}
	c.loaded, c.stamp, c.failed = &loaded, stamp, ""
	return c.loaded, nil
}

// fallback goes on with the certificate of before while new files are half
// written, or wrong, and says so once.
func (c *certificate) fallback(err error) (*tls.Certificate, error) {
	if c.loaded != nil {
		if c.failed != err.Error() {
			c.failed = err.Error()
			c.log.Warn("certificate cannot be read again, the one of before is served", "file", c.cert, "key", c.key, "error", err)
		}
		return c.loaded, nil
	}
	return nil, errs.New(errs.Usage, "read certificate %s with key %s: %w", c.cert, c.key, err).
		Hint("--tls-cert and --tls-key are PEM files, and the key is the one of the certificate")
}
