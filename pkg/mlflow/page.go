package mlflow

import (
	"encoding/base64"
	"strconv"

	"github.com/mlops-cli/mlops/pkg/track"
)

// page is a part of a list: MLflow's tokens are base64 of {"offset": 2}.
type page struct {
	offset int
	limit  int
}

// readPage reads max_results and page_token of a search.
func (r *request) readPage(absent, most int64) (page, error) {
	limit := r.integer("max_results", absent)
	if limit < 1 {
		return page{}, Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be a positive integer", limit)
	}
	if limit > most {
		return page{}, Errorf(InvalidParameter, "Invalid value %d for parameter 'max_results' supplied. It must be at most %d", limit, most)
	}
	offset, err := readToken(r.str("page_token"))
	return page{offset, int(limit)}, err
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	data, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return 0, Errorf(InvalidParameter, "Invalid page token, could not base64-decode")
	}
	v, err := parseJSON(data)
	if err != nil || v.kind != dict {
		return 0, Errorf(InvalidParameter, "Invalid page token, decoded value=b'%s'", data)
	}
	n, ok := v.get("offset").integer()
	if !ok || n < 0 || n > 1<<40 {
		return 0, Errorf(InvalidParameter, "Invalid page token, parsed value=%s", data)
	}
	return int(n), nil
}

func token(offset int) string {
	return base64.StdEncoding.EncodeToString([]byte(`{"offset": ` + strconv.Itoa(offset) + `}`))
}

// more is what to ask the store for: one more than the page has, which says
// whether there is another page.
func (p page) more() int { return p.limit + 1 }

// turn cuts a list to its page and writes the token of the next one.
func turn[T any](p page, items []T, out *encoder) []T {
	if len(items) <= p.limit {
		return items
	}
	out.str("next_page_token", token(p.offset+p.limit))
	return items[:p.limit]
}

// maxOrders bounds what a database must join.
const maxOrders = 20

// orders reads a list of orders.
func orders(l track.Language, texts []string) ([]track.Order, error) {
	if len(texts) > maxOrders {
		return nil, Errorf(InvalidParameter, "`order_by` has %d fields, at most %d are allowed", len(texts), maxOrders)
	}
	all := make([]track.Order, 0, len(texts))
	for _, text := range texts {
		o, err := l.Order(text)
		if err != nil {
			return nil, err
		}
		for _, earlier := range all {
			if earlier.Entity == o.Entity && earlier.Key == o.Key {
				return nil, Errorf(InvalidParameter, "`order_by` contains duplicate fields: %s", track.PythonList(texts))
			}
		}
		all = append(all, o)
	}
	return all, nil
}
