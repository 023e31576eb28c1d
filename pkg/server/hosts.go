package server

import (
	"net"
	"net/netip"
	"path"
	"strings"
)

// hosts are the names that a Host header may have. A page of another site that
// has its own name lead to this server (DNS rebinding) cannot use an address of
// numbers, nor localhost: those are always allowed.
type hosts struct {
	patterns []string
	any      bool
}

func newHosts(allowed []string) hosts {
	h := hosts{}
	for _, p := range allowed {
		p = strings.ToLower(strings.TrimSpace(p))
		if p == "*" {
			h.any = true
		}
		h.patterns = append(h.patterns, hostOnly(p))
	}
	return h
}

// hostOnly is a host without its port, brackets and the dot at its end.
func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(host, ".")
}

func (h hosts) allow(header string) bool {
	if h.any {
		return true
	}
	host := hostOnly(strings.ToLower(header))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, p := range h.patterns {
		if ok, err := path.Match(p, host); err == nil && ok && host != "" {
			return true
		}
	}
	return false
}
