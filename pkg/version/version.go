package version

import "runtime/debug"

// Info describes the running binary.
type Info struct {
	Version string `json:"version"` // v1.2.3, a pseudo-version, or "devel"
	Commit  string `json:"commit"`  // git commit of the source, or ""
	Time    string `json:"time"`    // commit time, RFC 3339, or ""
	Dirty   bool   `json:"dirty"`   // the source had uncommitted changes
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// Get reads the information that the Go linker put into the binary.
func Get() Info {
	info := Info{Version: "devel"}
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return info
	}
	info.Go = build.GoVersion
	if v := build.Main.Version; v != "" && v != "(devel)" {
		info.Version = v
	}
	for _, s := range build.Settings {
		switch s.Key {
		case "vcs.revision":
			info.Commit = s.Value
		case "vcs.time":
			info.Time = s.Value
		case "vcs.modified":
			info.Dirty = s.Value == "true"
		case "GOOS":
			info.OS = s.Value
		case "GOARCH":
			info.Arch = s.Value
		}
	}
	return info
}
