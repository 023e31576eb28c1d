package dvc

import (
	"bytes"
	"testing"
)

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a/\udc80"}]`))
	f.Add([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "\ud83d\ude00\n"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ParseManifest(text)
		if err != nil {
			return
		}
		once, sum := m.Encode(MD5)
		again, err := ParseManifest(once)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, once)
		}
		if twice, sum2 := again.Encode(MD5); !bytes.Equal(once, twice) || sum != sum2 {
			t.Fatalf("%s\nbecame\n%s", once, twice)
		}
	})
}

func FuzzParsePointer(f *testing.F) {
	f.Add([]byte("outs:\n- md5: 22a1a2931c8370d3aeedd7183606fd7f\n  path: a\n"))
	f.Add([]byte("deps:\n- path: a\n  repo: {url: x}\nouts:\n- files:\n  - {relpath: a, md5: b}\n  path: a\n"))
	f.Fuzz(func(_ *testing.T, text []byte) { _, _ = ParsePointer("x.dvc", text) })
}

func FuzzParseLock(f *testing.F) {
	f.Add([]byte(lockText))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ParseLock("dvc.lock", text)
		if err != nil || len(l.Stages) == 0 {
			return
		}
		again, err := SetStages("dvc.lock", nil, l.Stages...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseLock("dvc.lock", again); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("[core]\nremote = a\n['remote \"a\"']\nurl = remote://a/b\n"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		c, err := ParseConfig(ConfigFile{"/r/.dvc/config", text})
		if err != nil {
			return
		}
		for _, r := range c.Remotes {
			r.Place()
		}
	})
}
