package runners

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// An installer hears of this machine only what it takes to reach a registry. All
// other settings, wherever they come from, would change what is installed, or
// where: PIP_TARGET, a prefix or a dry run in a configuration file, PYTHONHOME.

// reaching are the environment variables that an installer needs to reach a registry.
var reaching = regexp.MustCompile(`(?i)^(` + strings.Join([]string{
	`(https?|all|no|ftp)_proxy`, `ssl_cert_(file|dir)`, `(requests|curl)_ca_bundle`, `node_extra_ca_certs`, `netrc`,
	`pip_(` + strings.ReplaceAll(pipSettings, "-", "_") + `)`,
	`npm_config_(` + strings.ReplaceAll(npmSettings, "-", "_") + `)`,
	`uv_(index(_.*)?|default_index|extra_index_url|index_url|find_links|insecure_host|native_tls)`,
	`go(proxy|private|noproxy|sumdb|nosumdb|insecure|auth|path|modcache|toolchain)`, `cargo_(home|registries_.*|net_.*|http_.*)`, `rustup_home`, `java_home`,
}, "|") + `)$`)

const (
	pipSettings = `index-url|extra-index-url|find-links|no-index|trusted-host|proxy|cert|client-cert|timeout|default-timeout|retries|keyring-provider`
	npmSettings = `registry|@[^:]*:registry|//.*|_auth|_authtoken|proxy|https-proxy|noproxy|no-proxy|cafile|ca|ca\[\]|cert|key|strict-ssl|fetch-.*|maxsockets`
)

var (
	pipSetting = regexp.MustCompile(`(?i)^(` + pipSettings + `)$`)
	npmSetting = regexp.MustCompile(`(?i)^(` + npmSettings + `)$`)
	reference  = regexp.MustCompile(`\$\{([^}]+)\}`)
)

// installing is the environment of the commands that install a server. npmrc is
// the file to write npm's settings to, for npm reads some from no other place; empty: none.
func (in *Installed) installing(npmrc string) ([]string, error) {
	env := cleanEnvironment()
	pass := func(name string) {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); reaching.MatchString(name) {
			env = append(env, entry)
		}
	}
	for _, s := range pipConfiguration() {
		if name := "PIP_" + strings.ToUpper(strings.ReplaceAll(s.key, "-", "_")); os.Getenv(name) == "" {
			env = append(env, name+"="+strings.Join(strings.Fields(s.value), " "))
		}
	}
	var lines bytes.Buffer
	for _, s := range npmConfiguration(in.Executables["node"]) {
		for _, m := range reference.FindAllStringSubmatch(s.value, -1) {
			pass(m[1])
		}
		lines.WriteString(s.key + "=" + s.value + "\n")
	}
	if npmrc == "" {
		npmrc = filepath.Join(os.DevNull, "none") // npm wants another file than the global one
	} else if err := os.WriteFile(npmrc, lines.Bytes(), 0o600); err != nil {
		return nil, err
	}
	return append(env, "PIP_CONFIG_FILE="+os.DevNull, "PIP_DISABLE_PIP_VERSION_CHECK=1", "npm_config_userconfig="+npmrc, "npm_config_globalconfig="+os.DevNull,
		"npm_config_update_notifier=false", "NODE_ENV=production", "PATH="+in.search), nil
}

type setting struct{ key, value string }

// pipConfiguration are the settings that reach a registry in pip's files; of
// two, the later one holds.
func pipConfiguration() []setting {
	home, _ := os.UserHomeDir()
	files := []string{"/etc/xdg/pip/pip.conf", "/etc/pip.conf", filepath.Join(home, ".pip", "pip.conf")}
	user := filepath.Join(home, ".config", "pip", "pip.conf")
	if runtime.GOOS == "darwin" {
		files = append(files, "/Library/Application Support/pip/pip.conf", user)
		user = filepath.Join(home, "Library", "Application Support", "pip", "pip.conf")
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		user = filepath.Join(dir, "pip", "pip.conf")
	}
	return configuration(pipSetting, append(files, user, os.Getenv("PIP_CONFIG_FILE"))...)
}

// npmConfiguration is the same of npm's files. The global one belongs to the node that runs npm.
func npmConfiguration(node string) []setting {
	lookup := func(name, otherwise string) string {
		for _, entry := range os.Environ() {
			if key, value, _ := strings.Cut(entry, "="); strings.EqualFold(key, name) && value != "" {
				return value
			}
		}
		return otherwise
	}
	home, _ := os.UserHomeDir()
	global := filepath.Join(filepath.Dir(filepath.Dir(node)), "etc", "npmrc")
	return configuration(npmSetting, lookup("npm_config_globalconfig", global), lookup("npm_config_userconfig", filepath.Join(home, ".npmrc")))
}

// configuration reads "key = value" lines with the keys that are wanted, of all
// sections. A line that is indented goes on with the value before it.
func configuration(wanted *regexp.Regexp, files ...string) (all []setting) {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // most of them are on no machine
		}
		open := false
		for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
			line := lines.Text()
			text := strings.TrimSpace(line)
			if text == "" || strings.ContainsAny(text[:1], "#;[") {
				continue
			}
			if open && text != "" && strings.ContainsAny(line[:1], " \t") {
				all[len(all)-1].value += " " + text
				continue
			}
			i := strings.IndexByte(text, '=')
			if j := strings.IndexByte(text, ':'); i < 0 && j >= 0 {
				i = j
			}
			if open = i > 0 && wanted.MatchString(strings.TrimSpace(text[:i])); open {
				s := setting{strings.TrimSpace(text[:i]), strings.Trim(strings.TrimSpace(text[i+1:]), `"`)}
				if !strings.HasSuffix(s.key, "[]") {
					all = slices.DeleteFunc(all, func(old setting) bool { return old.key == s.key })
				}
				all = append(all, s)
			}
		}
	}
	return all
}
