package cli

import (
	"cmp"
	"runtime/debug"
	"strings"
)

var (
	// linked is set by make: go build itself does not look into a worktree.
	linked string

	// archived is the commit, filled in where git (or GitHub) makes an archive of
	// the sources: see .gitattributes.
	archived = "$Format:%H$"
)

// tool is the program's name and version: the module's, which go takes from the
// tag or the commit, or what the build put here, so that a report can be traced
// to its sources.
func tool() string {
	info, _ := debug.ReadBuildInfo()
	return "hellobench " + version(info, linked, archived)
}

func version(info *debug.BuildInfo, linked, archived string) string {
	if len(archived) == 40 { // else it is no archive
		return archived[:12]
	}
	if info != nil && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return cmp.Or(strings.TrimSpace(linked), "(devel)")
}
