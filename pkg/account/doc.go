// Package account keeps who may use a server, and what for.
//
// A User has a name, a role and, unless only tokens are used, a password. A Role
// says what a user may do with everything: none, reader, writer or admin. A
// Grant is another role for one experiment or one model; there it stands in
// place of the user's own, be it more or less. A Token is a secret that stands
// for its user, limited to a role if it was made so. A session is what signing
// in on a page gives: a token that ends by itself.
//
// Passwords are kept as argon2id (RFC 9106), tokens and sessions as SHA-256: who
// reads the database can use neither. Every change is an event, see track.Event.
//
// Times are milliseconds since 1970 in UTC; 0 means not set.
package account
