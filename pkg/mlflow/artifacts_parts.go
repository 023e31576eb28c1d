package mlflow

import (
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/track"
)

// partsOf reads a request about an upload in parts. Its file has the name of the
// client's file in the directory of the URL.
func partsOf(r *http.Request, rules ...rule) (in *request, o track.Owner, file string, err error) {
	dir, err := parsePlace(r.PathValue("path"))
	if err == nil {
		err = dir.writable()
	}
	if err != nil {
		return nil, o, "", err
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxUpload)
	if in, err = readRequest(r); err != nil {
		return nil, o, "", err
	}
	if err := in.check(append([]rule{need("path", aText)}, rules...)); err != nil {
		return nil, o, "", err
	}
	// A part of the URL is called path, too: the field is what counts.
	local := in.value.str("path")
	name := local[strings.LastIndexAny(local, `/\`)+1:]
	file, err = artifact.CleanPath(path.Join(dir.path, name))
	if err != nil || name == "" || name == "." || name == ".." {
		return nil, o, "", Errorf(InvalidParameter, "Invalid path")
	}
	return in, dir.owner, file, nil
}

// beginParts opens an upload and tells where each part goes: to this server.
func (f *files) beginParts(w http.ResponseWriter, r *http.Request) error {
	in, owner, file, err := partsOf(r, may("num_parts", anInteger))
	if err != nil {
		return err
	}
	parts := in.integer("num_parts", 1)
	id, err := f.uploads.Begin(asUser(r), owner, file, int(min(parts, artifact.MaxParts+1)))
	if err != nil {
		return err
	}
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	prefix, _, _ := strings.Cut(r.URL.Path, "/mpu/create/")
	base := scheme + "://" + r.Host + prefix + "/parts/" + id + "/"
	var out encoder
	out.open()
	out.str("upload_id", id)
	out.list("credentials")
	for n := range parts {
		out.open()
		out.str("url", base+strconv.FormatInt(n+1, 10))
		out.integer("part_number", n+1)
		out.close()
	}
	out.endList()
	out.close()
	out.send(w, http.StatusOK)
	return nil
}

// putPart receives a part.
func (f *files) putPart(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		return Errorf(InvalidParameter, "'%s' is not the number of a part", r.PathValue("number"))
	}
	tag, err := f.uploads.Put(r.Context(), r.PathValue("upload"), number, r.Body)
	if err != nil {
		return received(err)
	}
	w.Header().Set("ETag", `"`+tag+`"`)
	w.WriteHeader(http.StatusOK)
	return nil
}

// completeParts makes the file of its parts.
func (f *files) completeParts(w http.ResponseWriter, r *http.Request) error {
	in, owner, file, err := partsOf(r, need("upload_id", aText), need("parts", aList))
	if err != nil {
		return err
	}
	id := in.str("upload_id")
	if err := f.uploads.Check(r.Context(), id, owner, file); err != nil {
		return err
	}
	var parts []artifact.Part
	for _, p := range in.all("parts") {
		number, ok := p.get("part_number").integer()
		if !ok {
			return missing("parts[0].part_number")
		}
		parts = append(parts, artifact.Part{Number: int(number), Tag: strings.Trim(p.str("etag"), `"`)})
	}
	if _, err := f.uploads.Complete(asUser(r), id, parts); err != nil {
		return received(err)
	}
	return empty(w)
}

// abortParts ends an upload of which nothing is to stay.
func (f *files) abortParts(w http.ResponseWriter, r *http.Request) error {
	in, owner, file, err := partsOf(r, need("upload_id", aText))
	if err != nil {
		return err
	}
	id := in.str("upload_id")
	if err := f.uploads.Check(r.Context(), id, owner, file); err != nil {
		return err
	}
	if err := f.uploads.Abort(r.Context(), id); err != nil {
		return err
	}
	return empty(w)
}
