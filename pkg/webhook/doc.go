// Package webhook tells other systems what happens in the model registry.
//
// A Hook is a URL, the events that it wants, and a secret that signs what it
// gets. A delivery is one event sent to one hook. Deliveries follow from the
// history of events, which is durable: each hook knows the last event it was
// sent, gets them in order, each at least once, and again after a failure, see
// Sender. The bodies, headers and signature are those of MLflow's webhooks, which
// follow the Standard Webhooks specification.
//
// A hook's URL may lead anywhere on the internet and nowhere into the network of
// the server: the address is checked when the connection is made, so that a name
// which changes its address in between gains nothing.
package webhook
