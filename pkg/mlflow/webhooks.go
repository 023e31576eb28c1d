package mlflow

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/mlops-cli/mlops/pkg/route"
	"github.com/mlops-cli/mlops/pkg/webhook"
)

const (
	maxHookPage     = 1000
	defaultHookPage = 100
)

// hooks answers requests about webhooks.
type hooks struct {
	keeper *webhook.Keeper
	sender *webhook.Sender
}

// HookRoutes returns the routes by which clients manage webhooks. They are for
// admins: a webhook is told of every model.
func HookRoutes(k *webhook.Keeper, s *webhook.Sender) []route.Route {
	h := hooks{k, s}
	text := []rule{may("name", aText), may("url", aText), may("events", aList), may("description", aText), may("secret", aText), may("status", aText)}
	var all []route.Route
	for _, e := range []endpoint{
		{
			method: http.MethodPost, path: "webhooks", access: route.Admin, call: h.create,
			schema: append([]rule{need("name", aText), need("url", aText), need("events", aList)}, text[3:]...),
		},
		{method: http.MethodGet, path: "webhooks", access: route.Admin, call: h.list, schema: []rule{may("max_results", anInteger), may("page_token", aText)}},
		{method: http.MethodGet, path: "webhooks/{webhook_id}", access: route.Admin, call: h.get},
		{method: http.MethodPatch, path: "webhooks/{webhook_id}", access: route.Admin, call: h.update, schema: text},
		{method: http.MethodDelete, path: "webhooks/{webhook_id}", access: route.Admin, call: func(ctx context.Context, in *request, _ *encoder) error {
			return k.Delete(ctx, in.str("webhook_id"))
		}},
		{method: http.MethodPost, path: "webhooks/{webhook_id}/test", access: route.Admin, call: h.test},
	} {
		for _, prefix := range []string{"/api/2.0/mlflow/", "/ajax-api/2.0/mlflow/"} {
			all = append(all, route.Route{Method: e.method, Pattern: prefix + e.path, Access: e.access, Handler: e.serve, Fail: fail})
		}
	}
	return all
}

func (h hooks) create(ctx context.Context, in *request, out *encoder) error {
	events, err := eventsOf(in.all("events"))
	if err != nil {
		return err
	}
	active, err := activeOf(in)
	if err != nil {
		return err
	}
	made, err := h.keeper.Create(ctx, webhook.Hook{
		Name: in.str("name"), URL: in.str("url"), Description: in.str("description"), Secret: in.str("secret"), Events: events, Active: active == nil || *active,
	})
	if err != nil {
		return err
	}
	writeHook(out, "webhook", made)
	return nil
}

func (h hooks) list(ctx context.Context, in *request, out *encoder) error {
	most := cmp.Or(in.integer("max_results", 0), defaultHookPage)
	if most < 1 || most > maxHookPage {
		return Errorf(InvalidParameter, "max_results must be between 1 and %d.", maxHookPage)
	}
	offset, err := readToken(in.str("page_token"))
	if err != nil {
		return err
	}
	p := page{offset, int(most)}
	found, err := h.keeper.List(ctx, p.offset, p.more())
	if err != nil {
		return err
	}
	found = turn(p, found, out)
	if len(found) == 0 {
		return nil
	}
	out.list("webhooks")
	for _, one := range found {
		out.open()
		writeHookFields(out, one)
	}
	out.endList()
	return nil
}

func (h hooks) get(ctx context.Context, in *request, out *encoder) error {
	one, err := h.keeper.Get(ctx, in.str("webhook_id"))
	if err != nil {
		return err
	}
	writeHook(out, "webhook", one)
	return nil
}

func (h hooks) update(ctx context.Context, in *request, out *encoder) error {
	var c webhook.Change
	// A name or URL that is empty stays as it is; a description and a secret may
	// become empty.
	for field, to := range map[string]**string{"name": &c.Name, "url": &c.URL, "description": &c.Description, "secret": &c.Secret} {
		if s := in.str(field); s != "" || in.has(field) && (field == "description" || field == "secret") {
			*to = &s
		}
	}
	var err error
	if items := in.all("events"); len(items) > 0 {
		if c.Events, err = eventsOf(items); err != nil {
			return err
		}
	}
	if c.Active, err = activeOf(in); err != nil {
		return err
	}
	one, err := h.keeper.Update(ctx, in.str("webhook_id"), c)
	if err != nil {
		return err
	}
	writeHook(out, "webhook", one)
	return nil
}

// test sends an example. A hook that cannot be reached is a result, not an error.
func (h hooks) test(ctx context.Context, in *request, out *encoder) error {
	one, err := h.keeper.Get(ctx, in.str("webhook_id"))
	if err != nil {
		return err
	}
	e := one.Events[0]
	if v := in.get("event"); v != nil {
		chosen, err := eventsOf([]value{*v})
		if err != nil {
			return err
		}
		e = chosen[0]
	}
	answer, err := h.sender.Test(ctx, one, e)
	out.object("result")
	out.boolean("success", err == nil && answer.Status < http.StatusMultipleChoices) // as deliveries take it
	if err != nil {
		out.str("error_message", "Failed to test webhook: "+err.Error())
	} else {
		out.integer("response_status", int64(answer.Status))
		out.str("response_body", answer.Body)
	}
	out.close()
	return nil
}

// eventsOf reads kinds of events, whose words are upper case here.
func eventsOf(items []value) ([]webhook.Event, error) {
	events := make([]webhook.Event, 0, len(items))
	for _, item := range items {
		if item.kind != dict {
			return nil, Errorf(InvalidParameter, "Webhook events must be a non-empty list of WebhookEvent objects: %s.", item.json())
		}
		events = append(events, webhook.Event{Entity: strings.ToLower(item.str("entity")), Action: strings.ToLower(item.str("action"))})
	}
	return events, nil
}

// activeOf reads the status; nil when there is none.
func activeOf(in *request) (*bool, error) {
	active := true
	switch in.str("status") {
	case "":
		return nil, nil //nolint:nilnil // none is an answer
	case "ACTIVE":
	case "DISABLED":
		active = false
	default:
		return nil, Errorf(InvalidParameter, "Invalid webhook status: '%s'. Valid statuses are ACTIVE, DISABLED.", in.str("status"))
	}
	return &active, nil
}

func writeHook(out *encoder, name string, h webhook.Hook) {
	out.object(name)
	writeHookFields(out, h)
}

// writeHookFields writes the rest of an object that has begun.
func writeHookFields(out *encoder, h webhook.Hook) {
	out.str("webhook_id", h.ID)
	out.str("name", h.Name)
	out.str("url", h.URL)
	out.list("events")
	for _, e := range h.Events {
		out.open()
		out.str("entity", strings.ToUpper(e.Entity))
		out.str("action", strings.ToUpper(e.Action))
		out.close()
	}
	out.endList()
	out.optional("description", h.Description)
	status := "ACTIVE"
	if !h.Active {
		status = "DISABLED"
	}
	out.str("status", status)
	out.integer("creation_timestamp", h.Created)
	out.integer("last_updated_timestamp", h.Updated)
	out.close()
}
