package ui

// navEntry is a page in the navigation, with the key that follows g.
type navEntry struct {
	Path, Title, Key string
	Current          bool
}

func nav(path, title, key, at string) navEntry {
	return navEntry{Path: path, Title: title, Key: key, Current: path == at}
}
