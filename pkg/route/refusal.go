package route

import "fmt"

// Refusal is an error of a guard, with the status that it is answered with.
// Protocols write it in their own form: errors.AsType[*route.Refusal](err).
type Refusal struct { //nolint:errname // it is what a guard says, and no fault
	Status  int    // 401, 403, 404, 405, 413, 429, 500, 503
	Message string // for the user
}

// Refuse returns a Refusal.
func Refuse(status int, format string, args ...any) *Refusal {
	return &Refusal{Status: status, Message: fmt.Sprintf(format, args...)}
}

// Error is the message.
func (r *Refusal) Error() string { return r.Message }
