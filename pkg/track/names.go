package track

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
)

// NewID returns a fresh run id: 32 random hex digits.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: the runtime stops the program instead
	return hex.EncodeToString(b[:])
}

const (
	adjectives = "able brave bright calm clean clever crisp curious daring eager early fair fast fine fleet fond " +
		"free fresh gentle glad golden grand happy honest humble keen kind lively lucky mellow merry mild " +
		"modest neat noble patient plain proud quick quiet rapid ready rosy round shiny silent simple sleek " +
		"smart smooth snug solid spry steady still sunny swift tidy tender true vivid warm wise witty"
	nouns = "ant badger bear beaver bee bison boar camel cat crab crane crow deer dove duck eagle " +
		"elk falcon finch fox frog gecko goat goose hare hawk heron hippo horse ibis jay koala " +
		"lark lemur lion llama lynx mole moose moth mouse newt otter owl panda pike puma quail " +
		"rabbit raven robin seal shark sheep shrew skunk snail swan tiger toad trout whale wolf wren"
)

// NameOf makes a name that people can say from a run id: swift-otter-417.
func NameOf(id string) string {
	b, err := hex.DecodeString(id)
	if err != nil || len(b) < 4 {
		return id
	}
	a, n := strings.Fields(adjectives), strings.Fields(nouns)
	return fmt.Sprintf("%s-%s-%d", a[int(b[0])%len(a)], n[int(b[1])%len(n)], (int(b[2])<<8|int(b[3]))%1000)
}
