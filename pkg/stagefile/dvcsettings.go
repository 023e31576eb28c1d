package stagefile

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/mlops-cli/mlops/pkg/dvc"
	"github.com/mlops-cli/mlops/pkg/errs"
)

// dvcSettings are what DVC's files of settings say, the later over the earlier.
type dvcSettings struct {
	options flagOptions
	// remotes are by name and key: what keys one may have its URL says, which
	// may be in another file.
	remotes map[string]dvcRemote
}

type dvcRemote struct {
	place string // of its first section
	keys  map[string]dvc.Setting
}

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
func (c *dvcSettings) read(name string, text []byte) error {
	settings, err := dvc.ParseSettings(name, text)
	if err != nil {
		return errs.New(errs.Usage, "%w", err)
	}
	known := dvcSectionKeys()
	seen := map[string]string{}
	for _, s := range settings {
		what := strings.TrimSpace(s.Section + " " + s.Name)
		if s.Key == "" {
			what = "section " + what
		} else {
			what += "." + s.Key
		}
		keys, ok := known[s.Section]
		if !ok {
			return errs.New(errs.Usage, "%s: unknown section %q", s.Place, s.Section).DidYouMean(s.Section, sortedKeys(known))
		}
		if first, ok := seen[what]; ok {
			return errs.New(errs.Usage, "%s: %s is there already at %s", s.Place, what, first)
		}
		seen[what] = s.Place
		switch {
		case s.Section == "remote":
			err = c.remote(s)
		case s.Key != "":
			err = c.set(s, keys)
		}
		if err != nil {
			return err
		}
	}
	if a, b := seen["hydra.config_dir"], seen["hydra.config_module"]; a != "" && b != "" {
		return errs.New(errs.Usage, "%s: hydra has a config_dir, too, at %s: one of them can be", b, a)
	}
	return nil
}

// remote remembers a key of a remote, or that there is one.
func (c *dvcSettings) remote(s dvc.Setting) error {
	if s.Name == "" {
		return errs.New(errs.Usage, `%s: a remote without a name`, s.Place).Hint(`write ['remote "name"']`)
	}
	r, ok := c.remotes[s.Name]
	if !ok {
		r = dvcRemote{place: s.Place, keys: map[string]dvc.Setting{}}
		c.remotes[s.Name] = r
		c.options.remotes = append(c.options.remotes, s.Name)
	}
	if s.Key != "" {
		r.keys[s.Key] = s
	}
	return nil
}

func (c *dvcSettings) set(s dvc.Setting, keys string) error {
	if err := checkDVCSetting(s.Section, keys, s); err != nil {
		return err
	}
	switch val := strings.ToLower(s.Value); s.Section + "." + s.Key {
	case "parsing.bool":
		c.options.negate = val == "boolean_optional"
	case "parsing.list":
		c.options.appendFlag = val == "append"
	}
	return nil
}

// checkRemotes checks the keys of remotes, which all have a URL by now. The keys
// of kinds that DVC has by a plugin alone are not known here.
func (c *dvcSettings) checkRemotes() error {
	schemes := dvcRemoteKeys()
	for _, name := range slices.Sorted(maps.Keys(c.remotes)) {
		remote := c.remotes[name]
		url, ok := remote.keys["url"]
		if !ok {
			return errs.New(errs.Usage, "%s: remote %s has no url", remote.place, name)
		}
		keys, ok := schemes[dvcScheme(url.Value)]
		if !ok {
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(remote.keys)) {
			if err := checkDVCSetting("remote "+name, keys, remote.keys[key]); err != nil {
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

func checkDVCSetting(section, keys string, s dvc.Setting) error {
	if keys == "*" {
		return nil
	}
	var names []string
	for word := range strings.FieldsSeq(keys) {
		name, kind, _ := strings.Cut(word, ":")
		if name != s.Key {
			names = append(names, name)
			continue
		}
		if kind != "links" && strings.Contains(s.Value, ",") && strings.Trim(s.Raw, `"'`) == s.Raw {
			return errs.New(errs.Usage, "%s: %s.%s: a list, %q, where one value is expected", s.Place, section, s.Key, s.Value).Hint("put it in quotes")
		}
		if want := checkDVCValue(kind, s.Value); want != "" {
			return errs.New(errs.Usage, "%s: %s.%s: expected %s, found %q", s.Place, section, s.Key, want, s.Value)
		}
		return nil
	}
	return errs.New(errs.Usage, "%s: section %s: unknown key %q", s.Place, section, s.Key).DidYouMean(s.Key, names)
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
