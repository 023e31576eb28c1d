package webhook

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// Hook is who is told of which events.
type Hook struct {
	ID          string  `json:"id"`
	Name        string  `json:"name"`
	URL         string  `json:"url"`
	Description string  `json:"description,omitempty"`
	Events      []Event `json:"events"`
	Active      bool    `json:"active"`
	Created     int64   `json:"created"` // ms
	Updated     int64   `json:"updated"` // ms
	Secret      string  `json:"-"`       // "" signs nothing
	after       int64
	attempts    int
}

// Event is a kind of event in MLflow's words.
type Event struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
}

// Events returns what hooks may want.
func Events() []Event {
	return []Event{
		{"registered_model", "created"},
		{"model_version", "created"},
		{"model_version_tag", "set"},
		{"model_version_tag", "deleted"},
		{"model_version_alias", "created"},
		{"model_version_alias", "deleted"},
		{"prompt", "created"},
		{"prompt_version", "created"},
		{"prompt_tag", "set"},
		{"prompt_tag", "deleted"},
		{"prompt_version_tag", "set"},
		{"prompt_version_tag", "deleted"},
		{"prompt_alias", "created"},
		{"prompt_alias", "deleted"},
	}
}

// String is the entity and the action with a dot between.
func (e Event) String() string { return e.Entity + "." + e.Action }

// Check says what is wrong with a hook. Insecure hooks may be http and lead into
// the network of the server.
func (h Hook) Check(insecure bool) error {
	name := regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)
	if !name.MatchString(h.Name) {
		return errs.New(errs.Usage, "Webhook name %q is invalid. It must start and end with a letter or digit, "+
			"be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).", h.Name)
	}
	u, err := url.Parse(h.URL)
	switch {
	case strings.TrimSpace(h.URL) == "":
		return errs.New(errs.Usage, "Webhook URL cannot be empty or just whitespace: %q", h.URL)
	case err != nil:
		return errs.New(errs.Usage, "Invalid webhook URL %q: %w", h.URL, err)
	case u.Scheme != "https" && (!insecure || u.Scheme != "http"):
		return errs.New(errs.Usage, "Invalid webhook URL scheme: %q. Allowed schemes are: https.", u.Scheme)
	case u.Hostname() == "":
		return errs.New(errs.Usage, "Webhook URL must include a hostname: %q", h.URL)
	case u.User != nil:
		return errs.New(errs.Usage, "Webhook URL must not hold a password: it is shown to everybody who may read webhooks")
	case len(h.Events) == 0:
		return errs.New(errs.Usage, "Webhook events cannot be empty")
	}
	for _, e := range h.Events {
		if !slices.Contains(Events(), e) {
			return errs.New(errs.Usage, "Invalid action '%s' for entity '%s'.", e.Action, e.Entity)
		}
	}
	return nil
}
