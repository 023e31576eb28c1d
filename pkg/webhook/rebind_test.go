package webhook_test

import (
	"context"
	"encoding/binary"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mlops-cli/mlops/pkg/clock"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

// TestCVE_2026_2393_NamesThatChangeTheirAddress: a name is looked up when the
// connection is made and at no other time, and what it led to then is checked. It
// sets the resolver of the process, so it is not parallel.
func TestCVE_2026_2393_NamesThatChangeTheirAddress(t *testing.T) {
	var reached atomic.Bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	t.Cleanup(server.Close)
	port := server.URL[strings.LastIndex(server.URL, ":"):]
	var lookups atomic.Int32
	resolver := serveNames(t, func() net.IP {
		lookups.Add(1)
		return net.IPv4(127, 0, 0, 1)
	})
	before := net.DefaultResolver
	net.DefaultResolver = resolver
	t.Cleanup(func() { net.DefaultResolver = before })

	k := webhook.NewKeeper(open(t), clock.System{}, false)
	h, err := k.Create(t.Context(), webhook.Hook{Name: "x", URL: "https://rebind.example.com" + port, Events: webhook.Events()[:1], Active: true})
	must(t, err)
	if lookups.Load() != 0 {
		t.Error("a name was looked up before there is a connection: what is checked then may be another address later")
	}
	s := webhook.NewSender(k, slog.New(slog.DiscardHandler))
	for range 2 {
		_, err := s.Test(t.Context(), h, h.Events[0])
		if err == nil || !strings.Contains(err.Error(), "127.0.0.1 is not a public address") || reached.Load() {
			t.Errorf("reached: %v, %v", reached.Load(), err)
		}
	}
	if lookups.Load() < 2 {
		t.Error("the name was not looked up for each connection")
	}
}

// serveNames answers questions for IPv4 addresses of any name.
func serveNames(t *testing.T, address func() net.IP) *net.Resolver {
	t.Helper()
	var c net.ListenConfig
	conn, err := c.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	go func() {
		question := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(question)
			if err != nil {
				return
			}
			if _, err := conn.WriteTo(reply(question[:n], address), from); err != nil {
				return
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// reply is the answer of DNS (RFC 1035) to a question: an address for type A, and
// nothing for others.
func reply(question []byte, address func() net.IP) []byte {
	end := 12
	for question[end] != 0 {
		end += 1 + int(question[end])
	}
	kind := binary.BigEndian.Uint16(question[end+1:])
	end += 5
	out := append([]byte{}, question[:end]...)
	copy(out[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // an answer; one question, no records
	if kind != 1 {
		return out
	}
	out[7] = 1
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4) // the name above, A, IN, for 0 s, 4 bytes
	return append(out, address().To4()...)
}
