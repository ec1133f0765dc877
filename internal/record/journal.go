package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"github.com/hellobench/hellobench/internal/yamlfile"
)

// Names of the files in a run folder.
const (
	RunFile    = "run.json"
	TrialsFile = "trials.jsonl"
)

// Journal appends the trials of blocks to a run folder. They are on disk when Append
// returns. It is for one goroutine.
type Journal struct{ f *os.File }

// OpenJournal opens the journal of a run folder for appending and creates it
// if need be. A torn last line and unfinished files, left by a crash, are
// removed. A journal that another process has open is refused.
func OpenJournal(dir string) (*Journal, error) {
	path := filepath.Join(dir, TrialsFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) { // some file systems have no locks
		_ = f.Close()
		return nil, fmt.Errorf("open journal: another hellobench writes to %s: %w", path, err)
	}
	data, err := io.ReadAll(f)
	if err == nil {
		err = f.Truncate(int64(bytes.LastIndexByte(data, '\n') + 1))
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("repair journal %s: %w", path, err)
	}
	syncFolder(dir)
	removeUnfinished(dir)
	return &Journal{f}, nil
}

// removeUnfinished removes what WriteFile leaves in a run folder if it is killed.
func removeUnfinished(dir string) {
	for _, pattern := range []string{".*" + temporary, "*/.*" + temporary} {
		found, _ := fs.Glob(os.DirFS(dir), pattern)
		for _, file := range found {
			_ = os.Remove(filepath.Join(dir, file))
		}
	}
}

// Append writes the trials of a block and forces them to disk. After a failed
// write the journal is as it was.
func (j *Journal) Append(trials []*Trial) error {
	var lines []byte
	for _, t := range trials {
		line, err := json.Marshal(t)
		if err != nil {
			return fmt.Errorf("encode trial: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	at, err := j.f.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("append trials: %w", err)
	}
	if _, err = j.f.Write(lines); err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("append trials: %w", errors.Join(err, j.f.Truncate(at)))
	}
	return nil
}

// Keep leaves the first n trials in the journal. A run that is resumed drops the
// part of a block that a crash left, for a block is measured whole or not at all.
func (j *Journal) Keep(n int) error {
	if _, err := j.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("shorten journal: %w", err)
	}
	r, end := bufio.NewReader(j.f), int64(0)
	for range n {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("shorten journal: %w", err)
		}
		end += int64(len(line))
	}
	if err := j.f.Truncate(end); err != nil {
		return fmt.Errorf("shorten journal: %w", err)
	}
	return nil
}

// Close releases the file.
func (j *Journal) Close() error { return j.f.Close() }

// ReadTrials reads the journal of a run folder. A torn last line is left out;
// any other line that cannot be read is an error that names it. A folder
// without a journal has no trials.
func ReadTrials(dir string) ([]Trial, error) {
	path := trialsFile(dir)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &yamlfile.Error{File: path, Msg: "cannot be read: " + errors.Unwrap(err).Error()}
	}
	defer func() { _ = f.Close() }()
	var trials []Trial
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		var lines [][]byte
		for len(lines) < linesAtOnce && err == nil {
			var line []byte
			if line, err = r.ReadBytes('\n'); err == nil {
				lines = append(lines, line)
			}
		}
		more, lineErr := decodeTrials(path, len(trials)+1, lines)
		if lineErr != nil {
			return nil, lineErr
		}
		trials = append(trials, more...)
		if errors.Is(err, io.EOF) {
			return trials, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read trials: %w", err)
		}
	}
}

// linesAtOnce is how many lines are held in memory and decoded together.
const linesAtOnce = 256

// decodeTrials reads lines on all cores, for decoding is most of the time that
// a report takes; first is the number of the first line.
func decodeTrials(path string, first int, lines [][]byte) ([]Trial, error) {
	trials, errs := make([]Trial, len(lines)), make([]error, len(lines))
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < len(lines); i += workers {
				errs[i] = decodeTrial(path, first+i, lines[i], &trials[i])
			}
		})
	}
	wg.Wait()
	return trials, errors.Join(errs...)
}

func decodeTrial(path string, number int, line []byte, t *Trial) error {
	if err := yamlfile.DecodeLine(path, number, line, t); err != nil {
		return err
	}
	if t.Schema > SchemaVersion {
		return &yamlfile.Error{File: path, Line: number, Msg: fmt.Sprintf("written by a newer hellobench (schema %d, this one reads up to %d)", t.Schema, SchemaVersion)}
	}
	return nil
}

func trialsFile(dir string) string { return filepath.Join(dir, TrialsFile) }

// WriteRun writes run.json so that a reader sees the old or the new one, never a part.
func WriteRun(dir string, r *Run) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("encode run: %w", err)
	}
	return WriteFile(filepath.Join(dir, RunFile), append(data, '\n'))
}

// temporary is how the names of files end that are being written; * is a number.
const temporary = ".unfinished.*"

// WriteFile replaces a file as a whole and forces it to disk.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+temporary)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, Reason(err))
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
		syncFolder(filepath.Dir(path))
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, Reason(err))
	}
	return nil
}

// syncFolder forces to disk which files a folder has, where the file system can.
func syncFolder(dir string) {
	if f, err := os.Open(dir); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// Reason is err without the name of the temporary file, which is gone.
func Reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	}
	return err
}

// ReadRun reads run.json of a run folder, and checks it: nothing that is in it
// needs to be doubted after that.
func ReadRun(dir string) (*Run, error) {
	path := filepath.Join(dir, RunFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &yamlfile.Error{Msg: dir + " is not a run folder: " + whyNot(dir, err)}
	}
	r := new(Run)
	doc, err := yamlfile.DecodeJSON(path, data, "run", SchemaVersion, r)
	if err != nil {
		return nil, err
	}
	r.upgrade()
	return r, r.check(doc)
}

// whyNot says why run.json cannot be read.
func whyNot(dir string, err error) string {
	info, gone := os.Stat(dir)
	switch {
	case errors.Is(gone, fs.ErrNotExist):
		return "there is no such folder"
	case gone == nil && !info.IsDir():
		return "it is a file"
	case errors.Is(err, fs.ErrNotExist):
		return "it has no " + RunFile
	case errors.Is(err, syscall.EISDIR):
		return RunFile + " is a folder"
	case errors.Is(err, fs.ErrPermission):
		return RunFile + " cannot be read: permission denied"
	}
	return err.Error()
}
