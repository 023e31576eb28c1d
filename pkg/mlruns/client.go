package mlruns

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Login is how a server knows who asks: a token, or a user with a password.
type Login struct{ User, Password, Token string }

// client speaks MLflow's REST protocol.
type client struct {
	base  string // without a slash at its end
	login Login
	http  *http.Client
}

func newClient(address string, login Login) (*client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errs.New(errs.Usage, "%s is not the URL of a server", address)
	}
	if u.User != nil && login == (Login{}) {
		login.User = u.User.Username()
		login.Password, _ = u.User.Password()
	}
	u.User = nil
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawQuery, u.Fragment = "", ""
	return &client{base: u.String(), login: login, http: &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}}, nil
}

// Attempts of a request that may pass, and the pause before the second.
const (
	attempts   = 5
	firstPause = 200 * time.Millisecond
)

// apiError is an error of a server in MLflow's words.
type apiError struct {
	Status  int
	Code    string `json:"error_code"`
	Message string `json:"message"`
}

// Error is what the server said.
func (e *apiError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the server answered %d", e.Status)
	}
	return e.Message
}

// isMissing reports whether a server says that something does not exist.
func isMissing(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && (e.Code == "RESOURCE_DOES_NOT_EXIST" || e.Status == http.StatusNotFound)
}

// isTaken reports whether a server says that something exists already.
func isTaken(err error) bool {
	e, ok := errors.AsType[*apiError](err)
	return ok && (e.Code == "RESOURCE_ALREADY_EXISTS" || e.Code == "ALREADY_EXISTS")
}

// call asks below /api/2.0/mlflow/ and decodes the answer into out, unless nil. A
// GET has its fields in query, others in the JSON of body.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body, out any) error {
	var text []byte
	if method != http.MethodGet {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	address := c.base + "/api/2.0/mlflow/" + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	resp, err := c.send(ctx, method, address, func() (io.Reader, int64) { return bytes.NewReader(text), int64(len(text)) }, "application/json")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if out == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return decode(resp.Body, out)
}

func decode(r io.Reader, out any) error {
	if err := json.NewDecoder(r).Decode(out); err != nil {
		return errs.New(errs.Remote, "the answer of the server is not MLflow's: %w", err)
	}
	return nil
}

// send makes a request, again when it may pass, and returns an answer of success.
func (c *client) send(ctx context.Context, method, address string, body func() (io.Reader, int64), kind string) (*http.Response, error) {
	for n, pause := 1, firstPause; ; n, pause = n+1, 2*pause {
		resp, again, err := c.once(ctx, method, address, body, kind)
		if err == nil || !again || n == attempts || ctx.Err() != nil {
			return resp, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *client) once(ctx context.Context, method, address string, body func() (io.Reader, int64), kind string) (_ *http.Response, again bool, err error) {
	var content io.Reader
	size := int64(0)
	if body != nil && method != http.MethodGet {
		content, size = body()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, false, err
	}
	if content != nil {
		req.ContentLength = size
		if size == 0 {
			req.Body = http.NoBody
		}
		req.Header.Set("Content-Type", kind)
	}
	switch {
	case c.login.Token != "":
		req.Header.Set("Authorization", "Bearer "+c.login.Token)
	case c.login.User != "":
		req.SetBasicAuth(c.login.User, c.login.Password)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, true, errs.New(errs.Remote, "ask %s: %w", c.base, err).Hint("does the server run? curl %s/health", c.base)
	}
	if resp.StatusCode/100 == 2 {
		return resp, false, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	_ = resp.Body.Close()
	e := &apiError{Status: resp.StatusCode}
	if json.Unmarshal(text, e) != nil {
		e.Message = ""
	}
	again = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented
	where, _, _ := strings.Cut(strings.TrimPrefix(address, c.base), "?")
	if resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden {
		return nil, false, errs.New(errs.Remote, "%s %s%s: %w", method, c.base, where, e).
			Hint("log in with MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN")
	}
	return nil, again, errs.New(errs.Remote, "%s %s%s: %w", method, c.base, where, e)
}

// get opens what is at an address.
func (c *client) get(ctx context.Context, address string) (io.ReadCloser, error) {
	resp, err := c.send(ctx, http.MethodGet, address, nil, "")
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// escape makes a slash path part of a URL.
func escape(p string) string {
	parts := strings.Split(p, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// wireFloat is a double as protobuf's JSON writes it.
type wireFloat float64

// UnmarshalJSON reads a number, or a text for what JSON has no number for.
func (f *wireFloat) UnmarshalJSON(b []byte) error {
	v, err := number(strings.Trim(string(b), `"`))
	*f = wireFloat(v)
	return err
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (f wireFloat) MarshalJSON() ([]byte, error) {
	v := float64(f)
	switch {
	case v != v:
		return []byte(`"NaN"`), nil
	case v > maxFloat:
		return []byte(`"Infinity"`), nil
	case v < -maxFloat:
		return []byte(`"-Infinity"`), nil
	}
	return strconv.AppendFloat(nil, v, 'g', -1, 64), nil
}

// wireInt is a 64-bit integer, which protobuf's JSON may write as a text.
type wireInt int64

// UnmarshalJSON reads a number, or one in a text.
func (i *wireInt) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if text == "null" || text == "" {
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	*i = wireInt(v)
	return err
}
