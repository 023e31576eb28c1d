package stagefile

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/errs"
)

// dvcSettings are what DVC's files of settings say, the later over the earlier.
type dvcSettings struct {
	options flagOptions
	// remotes are by name and key: what keys one may have its URL says, which
	// may be in another file.
	remotes map[string]map[string]dvcSetting
}

type dvcSetting struct{ val, place string }

// dvcSectionKeys are the keys of DVC's settings by section. After a colon is
// what their values are, as checkDVCValue says; * is any key.
func dvcSectionKeys() map[string]string {
	const local = " type:links protected:flag shared:group slow_link_warning:flag verify:flag"
	return map[string]string{
		"core": "remote checksum_jobs:count interactive:flag analytics:flag hardlink_lock:flag no_scm:flag autostage:flag " +
			"experiments:flag check_update:flag site_cache_dir machine",
		"cache":   "local s3 gs hdfs webhdfs ssh azure dir" + local,
		"state":   "dir row_limit:count row_cleanup_quota:whole",
		"index":   "dir",
		"feature": "*",
		"plots":   "html_template auto_open:flag out_dir",
		"exp":     "code data models metrics params plots live auto_push:flag git_remote",
		"parsing": "bool:store_true|boolean_optional list:nargs|append",
		"hydra":   "enabled:flag config_dir config_module config_name plugins_path",
		"studio":  "token url repo_url offline:flag",
		"remote":  "*",
		"machine": "cloud:aws|azure region:us-west|us-east|eu-west|eu-north image spot:flag spot_price:number instance_hdd_size:whole " +
			"instance_type instance_gpu ssh_private startup_script setup_script",
		"db": "url username password",
	}
}

// dvcRemoteKeys are the keys of remotes by the scheme of their URL; a path has
// none.
func dvcRemoteKeys() map[string]string {
	const common = " url checksum_jobs:count jobs:count worktree:flag no_traverse:flag version_aware:flag verify:flag"
	const http = "auth:basic|digest|custom custom_auth_header user password ask_password:flag ssl_verify method " +
		"connect_timeout:seconds read_timeout:seconds" + common
	const webdav = "user password ask_password:flag token bearer_token_command custom_auth_header cert_path key_path " +
		"timeout:whole ssl_verify" + common
	return map[string]string{
		"": "type:links protected:flag shared:group slow_link_warning:flag" + common,
		"s3": "region profile credentialpath configpath endpointurl access_key_id secret_access_key session_token listobjects:flag " +
			"use_ssl:flag allow_anonymous_login:flag ssl_verify sse sse_kms_key_id sse_customer_algorithm sse_customer_key acl " +
			"grant_read grant_read_acp grant_write_acp grant_full_control cache_regions read_timeout:whole connect_timeout:whole" + common,
		"gs": "projectname credentialpath endpointurl allow_anonymous_login:flag" + common,
		"ssh": "type:links port:whole user password ask_password:flag passphrase ask_passphrase:flag keyfile timeout:whole " +
			"gss_auth:flag allow_agent:flag max_sessions:whole" + common,
		"hdfs": "user kerb_ticket replication:whole" + common,
		"webhdfs": "kerberos:flag kerberos_principal proxy_to ssl_verify token use_https:flag user password " +
			"data_proxy_target" + common,
		"azure": "connection_string sas_token account_name account_key tenant_id client_id client_secret allow_anonymous_login:flag " +
			"exclude_environment_credential:flag exclude_visual_studio_code_credential:flag exclude_shared_token_cache_credential:flag " +
			"exclude_managed_identity_credential:flag timeout:whole read_timeout:whole connection_timeout:whole" + common,
		"oss": "oss_key_id oss_key_secret oss_endpoint" + common,
		"gdrive": "profile gdrive_use_service_account:flag gdrive_client_id gdrive_client_secret gdrive_user_credentials_file " +
			"gdrive_service_account_user_email gdrive_service_account_json_file_path gdrive_trash_only:flag " +
			"gdrive_acknowledge_abuse:flag" + common,
		"http": http, "https": http, "webdav": webdav, "webdavs": webdav,
		"remote": "*",
	}
}

// read checks a file of settings and remembers those on templates.
func (c *dvcSettings) read(name, text string) error {
	section, of, known := "", "", dvcSectionKeys()
	seen := map[string]string{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		place := fmt.Sprintf("%s:%d", name, number)
		once := func(what string) error {
			if first, ok := seen[what]; ok {
				return errs.New(errs.Usage, "%s: %s is there already at %s", place, strings.TrimSpace(what), first)
			}
			seen[what] = place
			return nil
		}
		if line[0] == '[' {
			if !strings.Contains(line, "]") {
				return errs.New(errs.Usage, "%s: expected [section], found %q", place, line)
			}
			section, of, _ = strings.Cut(strings.Trim(line, "[] '\""), " ")
			section, of = strings.ToLower(section), strings.Trim(of, " '\"")
			if _, ok := known[section]; !ok {
				return errs.New(errs.Usage, "%s: unknown section %q", place, section).DidYouMean(section, sortedKeys(known))
			}
			if err := c.section(section, of, place); err != nil {
				return err
			}
			if err := once("section " + section + " " + of); err != nil {
				return err
			}
			continue
		}
		key, val, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			return errs.New(errs.Usage, "%s: expected [section] or key = value, found %q", place, line)
		}
		key = strings.ToLower(strings.TrimSpace(key))
		if err := once(strings.TrimSpace(section+" "+of) + "." + key); err != nil {
			return err
		}
		if section == "remote" {
			c.remotes[of][key] = dvcSetting{val, place}
		} else if err := c.set(place, section, known[section], key, val); err != nil {
			return err
		}
	}
	if a, b := seen["hydra.config_dir"], seen["hydra.config_module"]; a != "" && b != "" {
		return errs.New(errs.Usage, "%s: hydra has a config_dir, too, at %s: one of them can be", b, a)
	}
	return nil
}

func (c *dvcSettings) section(name, of, place string) error {
	if name != "remote" {
		return nil
	}
	if of == "" {
		return errs.New(errs.Usage, `%s: a remote without a name`, place).Hint(`write ['remote "name"']`)
	}
	if c.remotes[of] == nil {
		c.remotes[of] = map[string]dvcSetting{"": {place: place}}
		c.options.remotes = append(c.options.remotes, of)
	}
	return nil
}

func (c *dvcSettings) set(place, section, keys, key, val string) error {
	if err := checkDVCSetting(place, section, keys, key, val); err != nil {
		return err
	}
	switch val = strings.ToLower(unquoteINI(val)); section + "." + key {
	case "parsing.bool":
		c.options.negate = val == "boolean_optional"
	case "parsing.list":
		c.options.appendFlag = val == "append"
	}
	return nil
}

// checkRemotes checks the keys of remotes, which all have a URL by now.
func (c *dvcSettings) checkRemotes() error {
	schemes := dvcRemoteKeys()
	for _, name := range slices.Sorted(maps.Keys(c.remotes)) {
		remote := c.remotes[name]
		url, ok := remote["url"]
		if !ok {
			return errs.New(errs.Usage, "%s: remote %s has no url", remote[""].place, name)
		}
		scheme := dvcScheme(unquoteINI(url.val))
		keys, ok := schemes[scheme]
		if !ok {
			return errs.New(errs.Usage, "%s: remote %s: %s:// is no kind of remote of DVC", url.place, name, scheme).
				DidYouMean(scheme, sortedKeys(schemes))
		}
		delete(remote, "")
		for _, key := range slices.Sorted(maps.Keys(remote)) {
			if err := checkDVCSetting(remote[key].place, "remote "+name, keys, key, remote[key].val); err != nil {
				return err
			}
		}
	}
	return nil
}

// dvcScheme is the scheme of a URL with a host, "" of all else, which is a path.
func dvcScheme(url string) string {
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || rest == "" || strings.ContainsRune("/?#", rune(rest[0])) {
		return ""
	}
	return strings.ToLower(scheme)
}

func checkDVCSetting(place, section, keys, key, val string) error {
	if keys == "*" {
		return nil
	}
	var names []string
	for word := range strings.FieldsSeq(keys) {
		name, kind, _ := strings.Cut(word, ":")
		if name != key {
			names = append(names, name)
			continue
		}
		text := unquoteINI(val)
		if kind != "links" && strings.Contains(text, ",") && strings.Trim(strings.TrimSpace(val), `"'`) == strings.TrimSpace(val) {
			return errs.New(errs.Usage, "%s: %s.%s: a list, %q, where one value is expected", place, section, key, text).Hint("put it in quotes")
		}
		if want := checkDVCValue(kind, text); want != "" {
			return errs.New(errs.Usage, "%s: %s.%s: expected %s, found %q", place, section, key, want, text)
		}
		return nil
	}
	return errs.New(errs.Usage, "%s: section %s: unknown key %q", place, section, key).DidYouMean(key, names)
}

// checkDVCValue returns what is expected of a value of a kind, "" where it is
// that. Kinds that are not named here are the choices, with | between.
func checkDVCValue(kind, val string) string {
	whole, werr := strconv.Atoi(val)
	number, nerr := strconv.ParseFloat(val, 64)
	want, ok := "", true
	switch kind {
	case "":
	case "flag":
		want, ok = "true or false", strings.EqualFold(val, "true") || strings.EqualFold(val, "false")
	case "whole":
		want, ok = "a whole number", werr == nil
	case "count":
		want, ok = "a number of 1 and more", werr == nil && whole > 0
	case "number":
		want, ok = "a number", nerr == nil
	case "seconds":
		want, ok = "a number of seconds", nerr == nil && number >= 0
	case "links":
		want = "some of reflink, hardlink, symlink and copy"
		for link := range strings.SplitSeq(val, ",") {
			ok = ok && slices.Contains([]string{"reflink", "hardlink", "symlink", "copy"}, strings.TrimSpace(link))
		}
	default:
		choices := strings.Split(kind, "|")
		want, ok = strings.Join(choices, " or "), slices.Contains(choices, strings.ToLower(val))
	}
	if ok {
		return ""
	}
	return want
}

// unquoteINI is the value after =, without quotes or a comment.
func unquoteINI(val string) string {
	val = strings.TrimSpace(val)
	if len(val) > 1 && (val[0] == '"' || val[0] == '\'') {
		if end := strings.IndexByte(val[1:], val[0]); end >= 0 {
			return val[1 : 1+end]
		}
	}
	val, _, _ = strings.Cut(val, "#")
	return strings.TrimSpace(val)
}
