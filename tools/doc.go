// Package tools pins the servers that the tests start. It is a module of its
// own, so that their dependencies are not those of mlops:
//
//	go build -C tools -o DIR github.com/versity/versitygw/cmd/versitygw
package tools
