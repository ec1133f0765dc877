package host

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// cpuinfo is /proc/cpuinfo as data: one group of lines a core, and groups on
// the whole machine. Each architecture has its own keys.
type cpuinfo []map[string]string

func parseCPUInfo(text string) (info cpuinfo) {
	for group := range strings.SplitSeq(text, "\n\n") {
		values := map[string]string{}
		for line := range strings.Lines(group) {
			key, value, found := strings.Cut(line, ":")
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			if _, has := values[key]; found && value != "" && !has {
				values[key] = value
			}
		}
		info = append(info, values)
	}
	return info
}

// each is what is made of every group that has the key, each text once, in the order
// in which they come: a processor may have cores of several kinds.
func (info cpuinfo) each(key string, text func(group map[string]string) string) string {
	var all []string
	for _, group := range info {
		if group[key] == "" {
			continue
		}
		if s := text(group); s != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return strings.Join(all, " + ")
}

// values are the different values of a key.
func (info cpuinfo) values(key string) string {
	return info.each(key, func(group map[string]string) string { return group[key] })
}

// processor is the name of a machine's processor by its /proc/cpuinfo, and the
// numbers that tell it from others of that name. board is what the device tree
// calls the machine: of chips that are sold as part of a board, it says how
// fast they run.
func processor(text, board string) (name, id string) {
	info := parseCPUInfo(text)
	if name = info.each("CPU implementer", armName); name != "" {
		if board != "" {
			name += ", " + board
		}
		return name, info.each("CPU implementer", armNumbers)
	}
	name = cmp.Or(
		info.values("model name"), // x86, and some 32-bit ARM
		info.values("Model Name"), // LoongArch
		info.values("cpu model"),  // MIPS
		info.values("uarch"),      // RISC-V
		info.each("mvendorid", numbers("RISC-V vendor ", "mvendorid", " architecture ", "marchid")),
		ibmMachine(text),
		info.values("cpu"), // POWER, SPARC
		board,
		info.values("Hardware"), info.values("Processor"), info.values("isa"),
	)
	id = cmp.Or(
		info.each("cpu family", numbers("", "vendor_id", " family ", "cpu family", " model ", "model", " stepping ", "stepping")),
		info.each("mvendorid", numbers("", "mvendorid", " ", "marchid", " ", "mimpid")),
		info.values("revision"),
	)
	return name, id
}

// numbers writes values of a group with words before each: pairs of word and key.
func numbers(pairs ...string) func(map[string]string) string {
	return func(group map[string]string) string {
		var b strings.Builder
		for i := 0; i < len(pairs); i += 2 {
			if v := group[pairs[i+1]]; v != "" {
				b.WriteString(pairs[i] + v)
			}
		}
		return strings.TrimSpace(b.String())
	}
}

var ibmModel = regexp.MustCompile(`(?m)^processor \d+:.*\bmachine = (\w+)`)

// ibmMachine is the model of a mainframe, which has its number in no key of its own.
func ibmMachine(text string) string {
	if model := group(ibmModel, text); model != "" {
		return "IBM Z, machine " + model
	}
	return ""
}

// armName is the name of an ARM core, or its numbers where it is not known here.
func armName(group map[string]string) string {
	implementer, part := number(group["CPU implementer"]), number(group["CPU part"])
	maker := armMakers[implementer]
	if name := maker.cores[part]; name != "" {
		return maker.name + " " + name
	}
	if maker.name != "" {
		return fmt.Sprintf("%s, part %s", maker.name, part)
	}
	return fmt.Sprintf("ARM implementer %s part %s", implementer, part)
}

// armNumbers holds what the name does not: which step of the core it is.
func armNumbers(group map[string]string) string {
	return fmt.Sprintf("%s/%s variant %s revision %s", number(group["CPU implementer"]), number(group["CPU part"]), number(group["CPU variant"]), group["CPU revision"])
}

// number writes a hexadecimal number as the tables have it: 0xD0C and 0x0d0c are 0xd0c.
func number(s string) string {
	digits, hex := strings.CutPrefix(strings.ToLower(s), "0x")
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		digits = "0"
	}
	if !hex {
		return digits
	}
	return "0x" + digits
}
