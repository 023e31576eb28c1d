package registry

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/mlops-cli/mlops/pkg/track"
)

// MLflow's limits, in characters.
const (
	MaxName     = 256
	MaxAlias    = 255
	MaxTagKey   = 250
	MaxTagValue = 100_000
	MaxCard     = 100_000 // of a model card; what is more is cut
)

// CheckName says what is wrong with the name of a model.
func CheckName(name string) error {
	switch {
	case name == "":
		return Invalid(EmptyName, name, 0)
	case strings.ContainsAny(name, "/:"):
		return Invalid(NameChars, name, 0)
	case utf8.RuneCountInString(name) > MaxName:
		return Invalid(NameLength, name, MaxName)
	}
	return nil
}

// CheckAlias says what is wrong with an alias.
func CheckAlias(alias string) error {
	switch {
	case alias == "":
		return Invalid(EmptyAlias, alias, 0)
	case utf8.RuneCountInString(alias) > MaxAlias:
		return Invalid(AliasLength, alias, MaxAlias)
	case !regexp.MustCompile(`^[\p{L}\p{N}_-]*$`).MatchString(alias):
		return Invalid(AliasChars, alias, 0)
	case strings.EqualFold(alias, Latest):
		return Invalid(AliasLatest, alias, 0)
	case regexp.MustCompile(`^[vV]\d+$`).MatchString(alias):
		return Invalid(AliasVersion, alias, 0)
	}
	return nil
}

// CheckTag says what is wrong with a tag of a model or a version.
func CheckTag(key, value string) error {
	switch {
	case key == "":
		return Invalid(EmptyKey, key, 0)
	case utf8.RuneCountInString(key) > MaxTagKey:
		return Invalid(KeyLength, key, MaxTagKey)
	case utf8.RuneCountInString(value) > MaxTagValue:
		return Invalid(ValueLength, key, MaxTagValue)
	}
	if err := track.CheckKey("tag", key); err != nil {
		return Invalid(KeyChars, key, 0)
	}
	return nil
}

// ParseStage reads a stage in any case.
func ParseStage(text string) (Stage, error) {
	for _, s := range Stages() {
		if strings.EqualFold(string(s), text) {
			return s, nil
		}
	}
	return "", Invalid(UnknownStage, text, 0)
}
