package server_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
	"github.com/mlops-cli/mlops/pkg/server"
)

// writeCertificate makes a certificate of a name for 127.0.0.1.
func writeCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// served is the name of the certificate that a server shows.
func served(t *testing.T, address string) string {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: "localhost"}}
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName //nolint:forcetypeassert // of tls.Dialer
}

func TestTLSReadsRenewedCertificates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, "first")
	var log bytes.Buffer
	config, err := server.LoadTLS(cert, key, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, server.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln, config) }()
	if got := served(t, ln.Addr().String()); got != "first" {
		t.Errorf("the certificate is %q", got)
	}
	writeCertificate(t, dir, "second")
	later := time.Now().Add(time.Second)
	for _, path := range []string{cert, key} { // file systems with coarse times
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := served(t, ln.Addr().String()); got != "second" {
		t.Errorf("after renewal the certificate is %q", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := served(t, ln.Addr().String()); got != "second" {
			t.Errorf("while files are written the certificate is %q", got)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Count(text, "certificate read again") != 1 || strings.Count(text, "cannot be read again") != 1 {
		t.Errorf("each is said once: %s", text)
	}
}

// TestTLSFilesStayWhatTheyWere: the server goes to the directory of its store after
// the files were named.
func TestTLSFilesStayWhatTheyWere(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeCertificate(t, dir, "first")
	config, err := server.LoadTLS("cert.pem", "key.pem", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	cert, key := writeCertificate(t, dir, "second")
	later := time.Now().Add(time.Second)
	for _, path := range []string{cert, key} { // file systems with coarse times
		if err := os.Chtimes(path, later, later); err != nil {
			t.Fatal(err)
		}
	}
	got, err := config.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if leaf, err := x509.ParseCertificate(got.Certificate[0]); err != nil || leaf.Subject.CommonName != "second" {
		t.Errorf("after renewal the certificate is %v, %v", leaf.Subject, err)
	}
}

func TestTLSFilesThatAreNone(t *testing.T) {
	t.Parallel()
	if _, err := server.LoadTLS("none.pem", "none.pem", nil); !errs.Is(err, errs.Usage) {
		t.Errorf("%v", err)
	}
	if config, err := server.LoadTLS("", "", nil); config != nil || err != nil {
		t.Errorf("%v, %v", config, err)
	}
}
