package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// The cost of argon2id: OWASP's Password Storage Cheat Sheet, first choice.
const (
	hashPasses = 2
	hashMemory = 19 * 1024 // KiB
	hashLanes  = 1
	hashBytes  = 32
	saltBytes  = 16
)

// hash returns a password as argon2id writes it: $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func hash(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashLanes, hashBytes)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, b64(salt), b64(sum))
}

// matches reports whether a password is the one that was hashed, with the cost
// that it was hashed with.
func matches(hashed, password string) (bool, error) {
	broken := errs.New(errs.Corrupt, "a password in the database is not in argon2id's form").
		Hint("set it again: mlops server user passwd NAME")
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, broken
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=%d", &version, &memory, &passes, &lanes); err != nil ||
		version != argon2.Version || memory == 0 || memory > 1<<20 || passes == 0 || passes > 100 || lanes == 0 {
		return false, broken
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) == 0 {
		return false, broken
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
