package server

import (
	"crypto/tls"
	"os"
	"sync"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// certificate is a certificate of two files, which are read again when they have
// changed: certificates are renewed while a server runs.
type certificate struct {
	cert, key string

	mu     sync.Mutex
	loaded *tls.Certificate
	stamp  [2]time.Time
}

// LoadTLS returns the configuration that serves the certificate of two files; nil
// when they are "".
func LoadTLS(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil //nolint:nilnil // no TLS
	}
	c := &certificate{cert: cert, key: key}
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
	c.loaded, c.stamp = &loaded, stamp
	return c.loaded, nil
}

// fallback goes on with the certificate of before while new files are half
// written.
func (c *certificate) fallback(err error) (*tls.Certificate, error) {
	if c.loaded != nil {
		return c.loaded, nil
	}
	return nil, errs.New(errs.Usage, "read certificate %s: %w", c.cert, err).
		Hint("--tls-cert and --tls-key are PEM files")
}
