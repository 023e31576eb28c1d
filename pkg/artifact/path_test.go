package artifact_test

import (
	"testing"

	"github.com/mlops-cli/mlops/pkg/artifact"
	"github.com/mlops-cli/mlops/pkg/errs"
)

func TestCleanPathTakesNames(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", ".": "", "a.txt": "a.txt", "dir/": "dir", "dir/sub/Ünïcode name.bin": "dir/sub/Ünïcode name.bin",
		"100%.txt": "100%.txt", "..a": "..a", "a..b/c": "a..b/c", "epoch:3.json": "epoch:3.json", "x=1,y=2/m.json": "x=1,y=2/m.json", ".hidden": ".hidden",
	} {
		if got, err := artifact.CleanPath(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
}

// Each class of escape that MLflow's security record knows of.
func TestCleanPathRefusesWhatLeadsElsewhere(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"Issue7166_dots":                   "../../etc/passwd",
		"CVE-2023-1177_dots_inside":        "a/../../b",
		"CVE-2023-2356_dots_at_end":        "a/..",
		"CVE-2023-2780_backslash":          `a\..\..\b`,
		"CVE-2023-6977_double_slash":       "//proc/self/root",
		"CVE-2023-6831_absolute":           "/etc/passwd",
		"CVE-2024-1560_encoded_dots":       "%2e%2e/%2e%2e/etc",
		"CVE-2024-1560_encoded_slash":      "..%2f..%2fetc",
		"CVE-2024-1560_encoded_twice":      "%252e%252e%252fetc",
		"CVE-2024-1483_fragment":           "a#/../../etc",
		"CVE-2024-3848_encoded_fragment":   "a%23/../etc",
		"CVE-2023-6909_file_url":           "file:///etc/passwd",
		"CVE-2023-6909_file_url_one_slash": "file:/etc/passwd",
		"other_scheme":                     "http://example.com/x",
		"CVE-2025-11201_drive":             `C:/Windows`,
		"CVE-2025-11201_drive_backslash":   `C:\Windows`,
		"CVE-2026-2614_NUL":                "a\x00b",
		"CVE-2026-2614_encoded_NUL":        "a%00b",
		"newline":                          "a\nb",
		"empty_name":                       "a//b",
		"dot":                              "a/./b",
		"dot_first":                        "./a",
		"UNC":                              `\\server\share`,
		"not_UTF-8":                        "a\xffb",
		"encoded_backslash":                "a%5c..%5cb",
		"encoded_drive":                    "C%3a/x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := artifact.CleanPath(in); !errs.Is(err, errs.Usage) {
				t.Errorf("%q became %q, %v", in, got, err)
			}
		})
	}
}

func FuzzCleanPath(f *testing.F) {
	f.Add("a/b")
	f.Add("../x")
	f.Add("%2e%2e")
	f.Fuzz(func(t *testing.T, in string) {
		out, err := artifact.CleanPath(in)
		if err != nil {
			return
		}
		if again, err := artifact.CleanPath(out); err != nil || again != out {
			t.Fatalf("%q became %q, which became %q, %v", in, out, again, err)
		}
	})
}
