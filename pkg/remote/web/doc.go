// Package web reads a bucket that a web server shows: GET of a key gives its
// bytes. Nothing can be written or listed there.
package web
