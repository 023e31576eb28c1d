package remotetest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The account that every Azurite has, as its documentation publishes it.
const (
	azureAccount = "devstoreaccount1"
	azureKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// Azure starts Azurite, where npm has installed it on PATH or in
// npm/node_modules of the cache directory, and returns the URL of an empty
// container in it. It sets variables: call it once in a process, not in parallel.
func Azure(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("azurite-blob")
	if err != nil {
		cache, cerr := os.UserCacheDir()
		if cerr != nil {
			t.Fatal(cerr)
		}
		program = filepath.Join(cache, "mlops-test", "npm", "node_modules", ".bin", "azurite-blob")
		if _, err := os.Stat(program); err != nil || testing.Short() {
			Skip(t, "azurite", "install it: npm install --prefix "+filepath.Join(cache, "mlops-test", "npm")+" azurite@3.35.0")
		}
	}
	port := fmt.Sprint(Port(t))
	addr := "127.0.0.1:" + port
	Serve(t, addr, program, []string{
		"--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent", "--blobHost", "127.0.0.1", "--blobPort", port,
	}, nil)
	t.Setenv("AZURE_STORAGE_ACCOUNT", azureAccount)
	t.Setenv("AZURE_STORAGE_KEY", azureKey)
	createContainer(t, addr)
	return "azblob://container?localemu=true&protocol=http&domain=" + addr
}

// createContainer makes one signed request, so that no SDK is needed for it.
func createContainer(t *testing.T, addr string) {
	t.Helper()
	date := time.Now().UTC().Format(http.TimeFormat)
	key, err := base64.StdEncoding.DecodeString(azureKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, key)
	text := "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:" + date + "\nx-ms-version:2021-12-02\n/" +
		azureAccount + "/" + azureAccount + "/container\nrestype:container"
	if _, err := mac.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+addr+"/"+azureAccount+"/container?restype=container", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-ms-date", date)
	req.Header.Set("x-ms-version", "2021-12-02")
	req.Header.Set("Authorization", "SharedKey "+azureAccount+":"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		body, err := io.ReadAll(resp.Body)
		t.Fatalf("create container: %s\n%s (%v)", resp.Status, body, err)
	}
}
