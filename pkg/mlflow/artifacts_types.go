package mlflow

import (
	"path"
	"strings"
)

// contentType is the type of a file by its name, as MLflow guesses it. The
// tables of the system are not asked: they differ.
func contentType(name string) string {
	ext := strings.TrimPrefix(path.Ext(name), ".")
	if ext == "" {
		ext = name
	}
	switch ext {
	case "txt", "log", "err", "cfg", "conf", "cnf", "cf", "ini", "properties", "prop", "hocon", "toml", "yaml", "yml", "xml", "json",
		"js", "py", "py3", "csv", "tsv", "md", "rst", "ipynb", "MLmodel", "MLproject", "mlproject":
		return "text/plain"
	}
	switch strings.ToLower(ext) {
	case "html", "htm":
		return "text/html"
	case "css":
		return "text/css"
	case "png":
		return "image/png"
	case "jpg", "jpeg", "jpe":
		return "image/jpeg"
	case "gif":
		return "image/gif"
	case "svg":
		return "image/svg+xml"
	case "bmp":
		return "image/bmp"
	case "webp":
		return "image/webp"
	case "tif", "tiff":
		return "image/tiff"
	case "ico":
		return "image/vnd.microsoft.icon"
	case "pdf":
		return "application/pdf"
	case "zip":
		return "application/zip"
	case "tar":
		return "application/x-tar"
	case "h5", "hdf5":
		return "application/x-hdf5"
	case "wav":
		return "audio/x-wav"
	case "mp3":
		return "audio/mpeg"
	case "mp4":
		return "video/mp4"
	case "webm":
		return "video/webm"
	default:
		return "application/octet-stream"
	}
}
