// Package watch tells when files and directories change.
//
// Editors save by writing in place or by writing another file and renaming it,
// so not files are watched but the directories they are in, and what happens
// there is matched with what is wanted. Events that come close together are one
// change. Where the system cannot watch (too many directories, a network file
// system), a watcher says now and then that somebody should look.
package watch
