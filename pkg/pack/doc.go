// Package pack is the byte format of packs: many small objects in one file. It
// encodes and decodes; it opens nothing. docs/format/pack.md is its
// specification.
//
// A pack is a header, the stored bytes of its blobs one after the other, a
// trailer and a footer. The trailer lists the blobs sorted by id, in columns,
// so that it is at once the pack's index: mapped into memory, it is searched in
// place. The pack's id is the SHA-256 of the trailer, which ends with a random
// nonce: no two packs ever have one id. The footer has a fixed size and says
// where the trailer begins.
package pack
