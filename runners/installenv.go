package runners

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
)

// Installers read settings from dozens of variables and files, and some of them
// send the packages elsewhere (target, prefix, user), or nowhere (dry-run). A list of
// those to leave out would never be complete. So this is the list of what passes: the way
// to a registry, its certificates and credentials, and caches.

// passed are the variables that reach a command which installs, in addition to those a server gets.
var passed = regexp.MustCompile(`^(?i:https?_proxy|all_proxy|no_proxy|ftp_proxy)$` +
	`|^(SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|NODE_EXTRA_CA_CERTS|NODE_USE_SYSTEM_CA|NODE_TLS_REJECT_UNAUTHORIZED|NETRC|XDG_CACHE_HOME)$` +
	`|^(UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|NATIVE_TLS|SYSTEM_CERTS|CACHE_DIR))$` +
	`|^(GOPROXY|GOPRIVATE|GONOPROXY|GOSUMDB|GONOSUMDB|GOINSECURE|GOAUTH|GOPATH|GOMODCACHE|GOCACHE|GOTOOLCHAIN)$` +
	`|^(CARGO_HOME|RUSTUP_HOME|JAVA_HOME|DOTNET_ROOT|CC|CXX|SDKROOT|DEVELOPER_DIR)$` +
	`|^(ASDF|MISE|RTX|NODENV|RBENV|PYENV|VOLTA|NVM|FNM)_`)

// pipKeys and npmKeys are the settings of pip and npm that pass, wherever they are written.
var (
	pipKeys = regexp.MustCompile(`^(index-url|extra-index-url|find-links|no-index|trusted-host|cert|client-cert|proxy|default-timeout|timeout|retries|keyring-provider|use-feature|cache-dir)$`)
	npmKeys = regexp.MustCompile(`^(registry|@[^:]+:registry|//.+:(_authtoken|_auth|username|_password|email|certfile|keyfile|always-auth)` +
		`|_auth|_authtoken|username|_password|email|always-auth|proxy|https-proxy|noproxy|cafile|ca|ca\[\]|cert|key|strict-ssl|cache|nodedir|disturl|maxsockets|fetch-(retries|timeout|retry-.+))$`)
)

// prepareEnvironment is that of the commands that install a server, in folder dir.
// npmrc is the user's npm configuration, reduced to what passes.
func (in *Installed) prepareEnvironment(dir, npmrc string) []string {
	env := cleanEnvironment()
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if passed.MatchString(name) && !slices.Contains(inherited, name) || npmKeys.MatchString(npmKey(name)) {
			env = append(env, name+"="+absolute(name, value))
		}
	}
	for key, value := range pipSettings(in.Executables["python3"]) {
		env = append(env, "PIP_"+strings.ToUpper(strings.ReplaceAll(key, "-", "_"))+"="+absolute(key, value))
	}
	return append(env, "PWD="+dir, "NODE_ENV=production", "PATH="+in.search,
		// pip reads no file at all if its own is the null device; npm has to be given one for each level.
		"PIP_CONFIG_FILE="+os.DevNull, "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1", "PYTHONNOUSERSITE=1",
		"npm_config_userconfig="+cmp.Or(npmrc, filepath.Join(dir, "no-npmrc")), "npm_config_globalconfig="+os.DevNull, "npm_config_update_notifier=false",
		// npm's own package may hold a configuration, which no variable names.
		"npm_config_dry_run=false", "npm_config_global=false", "npm_config_location=project", "npm_config_ignore_scripts=false",
		"npm_config_package_lock_only=false", "npm_config_audit=false", "npm_config_fund=false")
}

// ofFiles are the names of settings whose values are files or folders.
var ofFiles = regexp.MustCompile(`(?i)(cert|ca|key|file|dir|links|cache|home|netrc|bundle|certs)$`)

// absolute is the value of a setting with files and folders that are named by their way
// from here named in full: what installs runs elsewhere.
func absolute(name, value string) string {
	if !ofFiles.MatchString(name) {
		return value
	}
	words := strings.Split(value, " ")
	for i, word := range words {
		if _, err := os.Stat(word); err == nil {
			words[i], _ = filepath.Abs(word) // fails without a working folder, where nothing runs
		}
	}
	return strings.Join(words, " ")
}

// npmKey is the setting that an environment variable of npm gives, in npm's spelling; nothing for any other.
func npmKey(variable string) string {
	const prefix = "npm_config_"
	if len(variable) <= len(prefix) || !strings.EqualFold(variable[:len(prefix)], prefix) {
		return ""
	}
	key := strings.ToLower(variable[len(prefix):])
	if strings.HasPrefix(key, "//") || strings.HasPrefix(key, "@") || strings.HasPrefix(key, "_") {
		return key
	}
	return strings.ReplaceAll(key, "_", "-")
}

// pipSettings are the settings of pip's files and variables that pass; later ones win, as with pip.
func pipSettings(python string) map[string]string {
	home, _ := os.UserHomeDir()
	config := cmp.Or(os.Getenv("XDG_CONFIG_HOME"), filepath.Join(home, ".config"))
	var files []string
	for _, dir := range filepath.SplitList(cmp.Or(os.Getenv("XDG_CONFIG_DIRS"), "/etc/xdg")) {
		files = append(files, filepath.Join(dir, "pip", "pip.conf"))
	}
	files = append(files, "/etc/pip.conf", filepath.Join(home, ".pip", "pip.conf"))
	if runtime.GOOS == "darwin" {
		files = append(files, "/Library/Application Support/pip/pip.conf", filepath.Join(home, "Library/Application Support/pip/pip.conf"))
	}
	files = append(files, filepath.Join(config, "pip", "pip.conf"))
	if python != "" {
		files = append(files, filepath.Join(filepath.Dir(filepath.Dir(python)), "pip.conf"))
	}
	own := os.Getenv("PIP_CONFIG_FILE")
	if own == os.DevNull {
		files = nil
	} else if own != "" {
		files = append(files, own)
	}
	settings := map[string]string{}
	for _, section := range []string{"global", "install"} { // that of the command wins
		for _, file := range files {
			readPipFile(settings, file, section)
		}
	}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		key, ok := strings.CutPrefix(name, "PIP_")
		if key = strings.ToLower(strings.ReplaceAll(key, "_", "-")); ok && value != "" && pipKeys.MatchString(key) {
			settings[key] = value
		}
	}
	return settings
}

// readPipFile adds what passes of one section of a pip.conf. A value may go on in
// lines that are indented. What cannot be read is as good as not there, as it is for pip.
func readPipFile(settings map[string]string, file, section string) {
	data, err := os.ReadFile(file)
	if err != nil {
		return
	}
	in, key := "", ""
	for line := range strings.Lines(string(data)) {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || text[0] == '#' || text[0] == ';':
		case text[0] == '[':
			in, key = strings.Trim(text, "[]"), ""
		case in != section:
		case line[0] == ' ' || line[0] == '\t':
			if key != "" {
				settings[key] = strings.TrimSpace(settings[key] + " " + text)
			}
		default:
			at := strings.IndexAny(text, "=:")
			if at < 0 {
				continue
			}
			key = strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text[:at]), "_", "-"))
			if !pipKeys.MatchString(key) {
				key = ""
				continue
			}
			settings[key] = strings.TrimSpace(text[at+1:])
		}
	}
}

// npmConfig is the lines that pass of npm's files: of the whole machine, then of the user, which win.
func npmConfig(node string) string {
	home, _ := os.UserHomeDir()
	of := func(setting, file string) string {
		for _, kv := range os.Environ() {
			if name, value, _ := strings.Cut(kv, "="); npmKey(name) == setting && value != "" {
				return value
			}
		}
		return file
	}
	prefix := of("prefix", filepath.Dir(filepath.Dir(node)))
	files := []string{of("globalconfig", filepath.Join(prefix, "etc", "npmrc")), of("userconfig", filepath.Join(home, ".npmrc"))}
	var kept strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
			if key = strings.TrimSpace(key); ok && npmKeys.MatchString(strings.ToLower(key)) {
				kept.WriteString(key + " = " + npmVariable.ReplaceAllStringFunc(strings.TrimSpace(value), variableOf) + "\n")
			}
		}
	}
	return kept.String()
}

// npmVariable is a variable in a value of an .npmrc, such as a token. The command
// that installs does not get the variable, so its value takes its place.
var npmVariable = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*\??\}`)

func variableOf(text string) string {
	name := strings.TrimRight(text[2:len(text)-1], "?")
	if value, ok := os.LookupEnv(name); ok {
		return value
	}
	return text
}

// npmrcFile writes the reduced configuration where only this user can read it, since it
// may hold a token. done removes it; after a kill it goes with the unfinished environment in dir.
func npmrcFile(dir, node string) (file string, done func(), err error) {
	f, err := os.CreateTemp(dir, ".npmrc-*")
	if err != nil {
		return "", nil, err
	}
	done = func() { _ = os.Remove(f.Name()) }
	_, err = f.WriteString(npmConfig(node))
	if err = errors.Join(err, f.Close()); err != nil {
		done()
		return "", nil, err
	}
	return f.Name(), done, nil
}
