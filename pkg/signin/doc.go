// Package signin finds out who sends a request, and has the page that people sign
// in on.
//
// A request says who sends it in one of three ways: HTTP Basic with a name and a
// password (or a token as the password, for clients that know nothing else), as
// MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD have it; Bearer with a
// token, as MLFLOW_TRACKING_TOKEN has it; or the cookie of a session, which the
// page gives.
package signin
