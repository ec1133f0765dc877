package agent

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hellobench/hellobench/runners"
)

// command is the ssh that reaches a machine. HELLOBENCH_SSH may name another, or give it
// options. It asks for nothing, since there is nobody whom it could ask in a job, and it
// notices a link that is gone.
func command(ctx context.Context, target, script string) *exec.Cmd {
	argv := strings.Fields(cmp.Or(os.Getenv("HELLOBENCH_SSH"), "ssh"))
	argv = append(argv, "-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ControlMaster=no", "--", target, "exec sh -c '"+script+"'")
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // out of reach of what a terminal sends: the agent ends when it is told
	cmd.Cancel = func() error { return killGroup(cmd) }
	cmd.WaitDelay = time.Second
	return cmd
}

// killGroup ends ssh and a proxy that it may have started.
func killGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// The scripts are for any sh. They hold no single quote.
const (
	folder = `d="${XDG_CACHE_HOME:-$HOME/.cache}/hellobench/agent"; f="$d/%s"; `
	look   = `uname -s; uname -m; ` + folder + `if test -x "$f"; then touch -c "$f"; echo here; else echo absent; fi`
	// Another version that nobody has used for a month is of no use.
	receive = folder + `umask 077 && mkdir -p "$d" && cat >"$f.$$" && chmod 700 "$f.$$" && mv "$f.$$" "$f" && { find "$d" -type f -mtime +30 -exec rm -f {} + || :; }`
	run     = folder + `exec "$f" agent`
)

// architectures are those of uname by Go's names.
var architectures = map[string]string{"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

// equip copies this program to a machine, unless it is there, and returns the hash that
// names it there.
func equip(ctx context.Context, target string, note func(format string, args ...any)) (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	file, err := os.Open(program)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	hash := hex.EncodeToString(sum.Sum(nil))
	short, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	out, err := output(command(short, target, fmt.Sprintf(look, hash)), target)
	if err != nil {
		return "", err
	}
	words := strings.Fields(out)
	if len(words) < 3 {
		return "", fmt.Errorf("%s: uname said %q", target, out)
	}
	words = words[len(words)-3:] // a login script may print something before
	system, arch := strings.ToLower(words[0]), architectures[words[1]]
	if system != runtime.GOOS || arch != runtime.GOARCH {
		return "", fmt.Errorf("%s is %s on %s, and this hellobench is for %s on %s\nhint: start the run from a machine of the same system and architecture", target, words[0], words[1], runtime.GOOS, runtime.GOARCH)
	}
	if words[2] == "here" {
		return hash, nil
	}
	note("copying hellobench to %s (once a version)", target)
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	cmd := command(ctx, target, fmt.Sprintf(receive, hash))
	cmd.Stdin = file
	if _, err := output(cmd, target); err != nil {
		return "", fmt.Errorf("copy hellobench to %w", err)
	}
	return hash, nil
}

// output runs ssh to its end.
func output(cmd *exec.Cmd, target string) (string, error) {
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", failed(target, said.String(), err)
	}
	return out.String(), nil
}

// failed says why ssh did, and what helps where that is known.
func failed(target, said string, err error) error {
	last := runners.LastLine([]byte(said))
	hint := ""
	switch {
	case strings.Contains(said, "Permission denied (") || strings.Contains(said, "Too many authentication failures"):
		hint = "\nhint: ssh has to log in without a password: ssh-copy-id " + target + ", or ssh-add"
	case strings.Contains(said, "Host key verification failed"):
		hint = "\nhint: connect once by hand and accept the key: ssh " + target
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("reach %s: %w\nhint: install an ssh client, or name one in HELLOBENCH_SSH", target, err)
	}
	var exit *exec.ExitError
	switch {
	case last != "" && errors.As(err, &exit): // with the code 255, which says nothing
		err = errors.New(last)
	case last != "":
		err = fmt.Errorf("%w; ssh said: %s", err, last)
	}
	return fmt.Errorf("reach %s: %w%s", target, err, hint)
}

// pipe is the connection to an agent.
type pipe struct {
	io.Reader
	io.WriteCloser
	cmd    *exec.Cmd
	said   *said
	ended  chan struct{} // closed when ssh has ended
	reason error         // why it did; valid once ended is closed
}

// said hands on what ssh and the agent print, line by line, and keeps the last.
type said struct {
	target string
	note   func(format string, args ...any)
	mu     sync.Mutex
	last   string
}

func (s *said) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.mu.Lock()
		s.last = lines.Text()
		s.mu.Unlock()
		s.note("%s: %s", s.target, strings.TrimPrefix(lines.Text(), "hellobench: "))
	}
}

func (s *said) lastLine() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// connect starts the agent on a machine and returns once it greets.
func connect(ctx context.Context, target, hash string, note func(format string, args ...any)) (*pipe, error) {
	cmd := command(context.WithoutCancel(ctx), target, fmt.Sprintf(run, hash))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	text, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, failed(target, "", err)
	}
	p := &pipe{WriteCloser: in, cmd: cmd, said: &said{target: target, note: note}, ended: make(chan struct{})}
	lines := bufio.NewReader(out)
	p.Reader = lines
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		p.said.read(text)
	}()
	greeted := make(chan error, 1)
	go func() { greeted <- awaitGreeting(lines) }()
	select {
	case err = <-greeted:
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(silence):
		err = errors.New("it does not answer")
	}
	if err != nil {
		_ = in.Close()
		_ = killGroup(cmd)
		<-heard
		_ = cmd.Wait()
		return nil, failed(target, p.said.lastLine(), err)
	}
	go func() {
		<-heard // Wait would close what is still read
		p.reason = cmp.Or(cmd.Wait(), io.EOF)
		close(p.ended)
	}()
	return p, nil
}

func (p *pipe) kill() { _ = killGroup(p.cmd) }

// mostChatter bounds what a login script may print before the agent greets.
const mostChatter = 1000

func awaitGreeting(lines *bufio.Reader) error {
	for range mostChatter {
		line, err := lines.ReadString('\n')
		if strings.TrimSpace(line) == greeting {
			return nil
		}
		if err != nil {
			return errors.New("the agent did not start")
		}
	}
	return errors.New("something else than the agent answers")
}

// Close has the agent end, and waits for it.
func (p *pipe) Close() error {
	_ = p.WriteCloser.Close()
	select {
	case <-p.ended:
		return nil
	case <-time.After(silence):
		p.kill()
		<-p.ended
		return fmt.Errorf("the agent on %s did not end in %v", p.said.target, silence)
	}
}
