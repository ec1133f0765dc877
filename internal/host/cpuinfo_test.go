package host

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

// armCore is one core as /proc/cpuinfo shows it on arm64.
func armCore(implementer, variant, part, revision string) string {
	return "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd evtstrm aes\nCPU implementer\t: " + implementer +
		"\nCPU architecture: 8\nCPU variant\t: " + variant + "\nCPU part\t: " + part + "\nCPU revision\t: " + revision + "\n\n"
}

func x86(name, family, model, stepping string) string {
	return "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: " + family + "\nmodel\t\t: " + model + "\nmodel name\t: " + name +
		"\nstepping\t: " + stepping + "\nmicrocode\t: 0x1\nflags\t\t: fpu vme hypervisor\n\n"
}

const power = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 3800.000000MHz\nrevision\t: 2.2 (pvr 004e 1202)\n\n" +
	"timebase\t: 512000000\nplatform\t: PowerNV\nmodel\t\t: 9006-22P\nmachine\t\t: PowerNV 9006-22P\n"

const mainframe = "vendor_id       : IBM/S390\n# processors    : 2\nbogomips per cpu: 3033.00\n" +
	"processor 0: version = FF,  identification = 0133E8,  machine = 3931\nprocessor 1: version = FF,  identification = 1133E8,  machine = 3931\n\n" +
	"cpu number      : 0\ncpu MHz dynamic : 5200\n"

func TestProcessor(t *testing.T) {
	little, big := armCore("0x41", "0x0", "0xd03", "4"), armCore("0x41", "0x0", "0xd08", "2")
	for _, tc := range []struct{ name, text, board, want, id string }{
		{"x86", strings.Repeat(x86("Intel(R) Xeon(R) CPU @ 2.20GHz", "6", "79", "0"), 2), "", "Intel(R) Xeon(R) CPU @ 2.20GHz", "GenuineIntel family 6 model 79 stepping 0"},
		{"Graviton 2", strings.Repeat(armCore("0x41", "0x3", "0xd0c", "1"), 4), "", "ARM Neoverse-N1", "0x41/0xd0c variant 0x3 revision 1"},
		{"Graviton 3", armCore("0x41", "0x1", "0xd40", "1"), "", "ARM Neoverse-V1", "0x41/0xd40 variant 0x1 revision 1"},
		{"capitals and zeros", armCore("0x041", "0x1", "0xD40", "1"), "", "ARM Neoverse-V1", "0x41/0xd40 variant 0x1 revision 1"},
		{"Ampere One", armCore("0xc0", "0x0", "0xac3", "0"), "", "Ampere Ampere-1", "0xc0/0xac3 variant 0x0 revision 0"},
		{"A64FX", armCore("0x46", "0x1", "0x001", "0"), "", "Fujitsu A64FX", "0x46/0x1 variant 0x1 revision 0"},
		{"Denver, part 0", armCore("0x4e", "0x0", "0x000", "0"), "", "Nvidia Denver", "0x4e/0x0 variant 0x0 revision 0"},
		{"a part that is not known", armCore("0x41", "0x0", "0xfff", "0"), "", "ARM, part 0xfff", "0x41/0xfff variant 0x0 revision 0"},
		{"a maker that is not known", armCore("0x99", "0x0", "0xd0c", "0"), "", "ARM implementer 0x99 part 0xd0c", "0x99/0xd0c variant 0x0 revision 0"},
		{
			"big.LITTLE", strings.Repeat(little, 4) + strings.Repeat(big, 2), "", "ARM Cortex-A53 + ARM Cortex-A72",
			"0x41/0xd03 variant 0x0 revision 4 + 0x41/0xd08 variant 0x0 revision 2",
		},
		{
			"a board, whose model name says nothing", "processor\t: 0\nmodel name\t: ARMv7 Processor rev 3 (v7l)\nCPU implementer\t: 0x41\nCPU variant\t: 0x0\nCPU part\t: 0xd08\nCPU revision\t: 3\n\nHardware\t: BCM2711\nRevision\t: c03111\nModel\t\t: Raspberry Pi 4 Model B Rev 1.1\n",
			"Raspberry Pi 4 Model B Rev 1.1", "ARM Cortex-A72, Raspberry Pi 4 Model B Rev 1.1", "0x41/0xd08 variant 0x0 revision 3",
		},
		{"RISC-V", "processor\t: 0\nhart\t\t: 1\nisa\t\t: rv64imafdc\nmmu\t\t: sv39\nuarch\t\t: sifive,u74-mc\nmvendorid\t: 0x489\nmarchid\t\t: 0x8000000000000007\nmimpid\t\t: 0x4210427\n", "", "sifive,u74-mc", "0x489 0x8000000000000007 0x4210427"},
		{"RISC-V without uarch", "processor\t: 0\nhart\t\t: 0\nisa\t\t: rv64imafdcv\nmvendorid\t: 0x710\nmarchid\t\t: 0x1\nmimpid\t\t: 0x2\n", "", "RISC-V vendor 0x710 architecture 0x1", "0x710 0x1 0x2"},
		{"POWER", power, "", "POWER9, altivec supported", "2.2 (pvr 004e 1202)"},
		{"IBM Z", mainframe, "", "IBM Z, machine 3931", ""},
		{"LoongArch", "system type\t\t: generic-loongson-machine\n\nprocessor\t\t: 0\nModel Name\t\t: Loongson-3A5000\n", "", "Loongson-3A5000", ""},
		{"nothing", "", "", "", ""},
		{"no lines of the kind", "hello\n:\n: x\n\n\n", "", "", ""},
	} {
		name, id := processor(tc.text, tc.board)
		assert.Equal(t, tc.want, name, tc.name)
		assert.Equal(t, tc.id, id, tc.name)
	}
	assert.Equal(t, "Raspberry Pi 5 Model B Rev 1.0", board("Raspberry Pi 5 Model B Rev 1.0\x00"))
	assert.Empty(t, board("linux,dummy-virt\x00"))
}

// TestProcessorsDiffer: each of these is another machine, though the names of some are the same.
func TestProcessorsDiffer(t *testing.T) {
	var all []record.Environment
	for _, text := range []string{
		x86("Intel(R) Xeon(R) CPU @ 2.20GHz", "6", "79", "0"), x86("Intel(R) Xeon(R) CPU @ 2.20GHz", "6", "85", "7"), x86("Intel(R) Xeon(R) CPU @ 2.20GHz", "6", "85", "4"),
		armCore("0x41", "0x3", "0xd0c", "1"), armCore("0x41", "0x1", "0xd40", "1"), armCore("0x99", "0x3", "0xd0c", "1"), armCore("0x41", "0x4", "0xd0c", "1"),
	} {
		var e record.Environment
		e.CPU, e.CPUID = processor(text, "")
		all = append(all, e)
	}
	for i := range all {
		for k := range all {
			assert.Equal(t, i != k, len(all[i].Different(&all[k])) > 0, "%v and %v", all[i], all[k])
		}
	}
}
