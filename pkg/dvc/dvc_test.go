package dvc

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func TestSums(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a\r\n", 400_000) // a CRLF lies across two reads of DVC 2: it is kept
	for _, c := range []struct{ algorithm, text, want string }{
		{MD5, "", "d41d8cd98f00b204e9800998ecf8427e"},
		{MD5, "c\r\n", "fa1f726044eed39debea9998ab700388"},
		{Legacy, "c\r\n", "2cd6ee2c70b0bde53fbe6cac3c8b8bb1"}, // that of c\n
		{Legacy, "c\r\n\x00", ""},
	} {
		got, err := SumOf(c.algorithm, strings.NewReader(c.text))
		if err != nil {
			t.Fatal(err)
		}
		if c.want == "" { // binary: nothing is changed
			plain, err := SumOf(MD5, strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			c.want = plain.Hex
		}
		if got.Hex != c.want {
			t.Errorf("%s of %q is %s, want %s", c.algorithm, c.text, got.Hex, c.want)
		}
	}
	// 1 MiB = 3 × 349525 + 1: a read ends between two lines and one byte.
	one, err := SumOf(Legacy, strings.NewReader(long))
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(long, "\r\n", "\n")
	if at := legacyChunk % 3; at == 2 {
		cut := legacyChunk/3*2 + 1
		plain = plain[:cut] + "\r" + plain[cut:]
	}
	want, err := SumOf(MD5, strings.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	if one.Hex != want.Hex {
		t.Errorf("sum of many lines is %s, want %s", one.Hex, want.Hex)
	}
	if key := (Sum{MD5, "60b725f10c9c85c70d97880dfe8191b3"}).Key(); key != "files/md5/60/b725f10c9c85c70d97880dfe8191b3" {
		t.Error(key)
	}
	if key := (Sum{Legacy, "60b725f10c9c85c70d97880dfe8191b3"}).Key(); key != "60/b725f10c9c85c70d97880dfe8191b3" {
		t.Error(key)
	}
}

// The bytes are those of Python's json.dumps, the sums of DVC 3.67.
func TestManifest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m   Manifest
		sum string
	}{
		{nil, "d751713988987e9331980363e24189ce.dir"},
		{Manifest{{"sub/b", "3b5d5c3712955042212316173ccf37be"}, {"a", "60b725f10c9c85c70d97880dfe8191b3"}}, "8b3662b0d460701f7734cdf533c5aa85.dir"},
	} {
		text, sum := c.m.Encode(MD5)
		if sum.Hex != c.sum {
			t.Errorf("%s: sum %s, want %s", text, sum.Hex, c.sum)
		}
	}
	const odd = `[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a"}, {"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "q\"\\"}, ` +
		`{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "z\udc80"}, {"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\u007f"}, ` +
		`{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\u00e4"}, {"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\u2028"}, ` +
		`{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\ud83d\ude00"}]`
	m, err := ParseManifest([]byte(odd))
	if err != nil {
		t.Fatal(err)
	}
	if m[2].Path != "z\x80" && m[3].Path != "z\x80" {
		t.Errorf("paths are %q", m)
	}
	if text, _ := m.Encode(MD5); string(text) != odd {
		t.Errorf("got  %s\nwant %s", text, odd)
	}
	for _, bad := range []string{"../x", "/x", "a//b", "a/../b", "", "."} {
		if _, err := ParseManifest([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "` + bad + `"}]`)); err == nil {
			t.Errorf("path %q was accepted", bad)
		}
	}
}

func TestPointer(t *testing.T) {
	t.Parallel()
	p, err := ParsePointer("data/x.dvc", []byte(`
md5: a304afb96060aad90176268345e10355
frozen: true
deps:
- path: data/xml
  repo:
    url: https://example.com/registry
    rev: main
    rev_lock: f31f5c4cdae787b4bdeb97a717687d44667d9e62
outs:
- md5: 22a1a2931c8370d3aeedd7183606fd7f
  size: 14445097
  path: data.xml
- md5: 8b3662b0d460701f7734cdf533c5aa85.dir
  size: 4
  nfiles: 2
  isexec: true
  hash: md5
  path: dir
  remote: other
  push: false
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Out{
		{Path: "data.xml", Sum: Sum{Legacy, "22a1a2931c8370d3aeedd7183606fd7f"}, Size: 14445097, Cache: true, Push: true},
		{Path: "dir", Sum: Sum{MD5, "8b3662b0d460701f7734cdf533c5aa85.dir"}, Size: 4, Files: 2, Exec: true, Cache: true, Remote: "other"},
	}
	if !reflect.DeepEqual(p.Outs, want) {
		t.Errorf("outs are %+v", p.Outs)
	}
	if p.Source == nil || *p.Source != (Source{URL: "https://example.com/registry", Path: "data/xml", Rev: "main", RevLock: "f31f5c4cdae787b4bdeb97a717687d44667d9e62"}) {
		t.Errorf("source is %+v", p.Source)
	}
	for _, bad := range []string{"- x", "outs: 1", "outs: [{md5: 1}]", "outs: [{path: a, md5: zz}]", "outs: [{path: a, hash: sha1, md5: 22a1a2931c8370d3aeedd7183606fd7f}]"} {
		if _, err := ParsePointer("x.dvc", []byte(bad)); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := ParseConfig(
		ConfigFile{"/repo/.dvc/config", []byte("[core]\n    remote = store\n    autostage = true\n['remote \"store\"']\n    url = ../../remote # here\n['remote \"s3\"']\n    url = s3://bucket/a b\n    endpointurl = http://localhost:9000\n[remote \"sub\"]\nurl = remote://s3/below\n[cache]\ntype = \"reflink,copy\"\n")},
		ConfigFile{"/repo/.dvc/config.local", []byte("[cache]\n    dir = /big/cache\n['remote \"s3\"']\n    access_key_id = 'k=1'\n")},
	)
	if err != nil {
		t.Fatal(err)
	}
	if c.Remote != "store" || c.CacheDir != "/big/cache" || len(c.Remotes) != 3 {
		t.Fatalf("config is %+v", c)
	}
	store, ok := c.Find("")
	if !ok || store.URL != "/remote" {
		t.Errorf("default remote is %+v", store)
	}
	sub, _ := c.Find("sub")
	if place, why := sub.Place(); place != "s3://bucket/a b/below?disable_https=true&endpoint=http%3A%2F%2Flocalhost%3A9000&use_path_style=true" || why != "" {
		t.Errorf("place is %s (%s)", place, why)
	}
	if sub.Options["access_key_id"] != "k=1" {
		t.Errorf("options are %v", sub.Options)
	}
	for _, bad := range []string{"[core\n", "x = 1\n", "[core]\nnothing\n"} {
		if _, err := ParseConfig(ConfigFile{"c", []byte(bad)}); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// What DVC 3.67 wrote stays byte for byte.
const lockText = `schema: '2.0'
stages:
  features:
    cmd: jupyter nbconvert --execute featurize.ipynb
    deps:
    - path: data/clean
      hash: md5
      md5: d8b874c5fa18c32b2d67f73606a1be60.dir
      size: 12
      nfiles: 2
    params:
      params.yaml:
        levels.no: 5
        name: '10'
        rates:
        - 0.1
        - 1e-05
        empty: {}
    outs:
    - path: features
      hash: md5
      md5: 2119f7661d49546288b73b5730d76485
      size: 154683
      isexec: true
  list@a:
    cmd:
    - a
    - b
    outs:
    - path: x
      md5: 2119f7661d49546288b73b5730d76485
      size: 1
`

func TestLock(t *testing.T) {
	t.Parallel()
	l, err := ParseLock("dvc.lock", []byte(lockText))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Stages) != 2 || !l.Stages[1].IsList || l.Stages[1].Outs[0].Sum.Algorithm != Legacy {
		t.Fatalf("stages are %+v", l.Stages)
	}
	again, err := SetStages("dvc.lock", []byte(lockText), l.Stages...)
	if err != nil {
		t.Fatal(err)
	}
	// Keys are sorted, as DVC does.
	want := strings.Replace(strings.Replace(lockText, "        empty: {}\n", "", 1), "        levels.no: 5\n", "        empty: {}\n        levels.no: 5\n", 1)
	if string(again) != want {
		t.Errorf("got\n%s\nwant\n%s", again, want)
	}
	fresh, err := SetStages("dvc.lock", nil, l.Stages[1])
	if err != nil || !bytes.HasPrefix(fresh, []byte("schema: '2.0'\nstages:\n  list@a:\n    cmd:\n    - a\n")) {
		t.Errorf("a new lock is\n%s(%v)", fresh, err)
	}
	old, err := ParseLock("dvc.lock", []byte("train:\n  cmd: x\n  outs:\n  - path: o\n    md5: 2119f7661d49546288b73b5730d76485\n"))
	if err != nil || len(old.Stages) != 1 || old.Stages[0].Name != "train" {
		t.Errorf("a lock of version 1 is %+v (%v)", old, err)
	}
}
