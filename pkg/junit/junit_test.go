package junit_test

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/mlops-cli/mlops/pkg/junit"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	why := "up to date"
	var b bytes.Buffer
	err := junit.Write(&b, junit.Suite{
		Name: "swift-otter-417", Started: time.Unix(1764000000, 0), Seconds: 3.25,
		Properties: []junit.Property{{"run_id", "ab"}},
		Cases: []junit.Case{
			{Class: "mlops.yaml", Name: "prepare", Skipped: &why},
			{Class: "mlops.yaml", Name: "train", Seconds: 3.2, Failure: &junit.Failure{Message: `ended with "1" & <died>`, Text: "\x1b[31mred\x1b[0m\x00\xff ]]> end"}},
			{Class: "mlops.yaml", Name: "other", Seconds: 0.001, Output: "hello\n"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="0" time="3.250">
  <testsuite name="swift-otter-417" tests="3" failures="1" errors="0" skipped="1" time="3.250" timestamp="2025-11-24T16:00:00">
    <properties>
      <property name="run_id" value="ab"></property>
    </properties>
    <testcase classname="mlops.yaml" name="prepare" time="0.000">
      <skipped message="up to date"></skipped>
    </testcase>
    <testcase classname="mlops.yaml" name="train" time="3.200">
      <failure message="ended with &#34;1&#34; &amp; &lt;died&gt;" type="failure"><![CDATA[red? ]]]]><![CDATA[> end]]></failure>
    </testcase>
    <testcase classname="mlops.yaml" name="other" time="0.001">
      <system-out><![CDATA[hello
]]></system-out>
    </testcase>
  </testsuite>
</testsuites>
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	var any struct {
		XMLName xml.Name
	}
	if err := xml.NewDecoder(strings.NewReader(b.String())).Decode(&any); err != nil {
		t.Error(err)
	}
}
