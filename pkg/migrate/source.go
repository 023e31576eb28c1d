package migrate

// Source says, in a pointer, where imported data is from: a path in a git
// repository, or a URL.
type Source struct {
	Repo   string `yaml:"repo,omitempty" json:"repo,omitempty"`     // URL or path of the git repository
	Path   string `yaml:"path,omitempty" json:"path,omitempty"`     // in it
	Rev    string `yaml:"rev,omitempty" json:"rev,omitempty"`       // what update follows; "" is the default branch
	Commit string `yaml:"commit,omitempty" json:"commit,omitempty"` // that was taken
	URL    string `yaml:"url,omitempty" json:"url,omitempty"`       // of data outside of git
	Etag   string `yaml:"etag,omitempty" json:"etag,omitempty"`     // of it, when it was taken
}
