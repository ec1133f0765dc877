package host

// armMaker is who designed a core, by "CPU implementer", and its cores by "CPU part".
type armMaker struct {
	name  string
	cores map[string]string
}

// armMakers names the cores that servers, desktops, phones and boards have. The numbers
// are those of each core's MIDR register, as its reference manual and the
// kernel's arch/arm64/include/asm/cputype.h give them.
var armMakers = map[string]armMaker{
	"0x41": {"ARM", map[string]string{
		"0xb76": "ARM1176",
		"0xc05": "Cortex-A5", "0xc07": "Cortex-A7", "0xc08": "Cortex-A8", "0xc09": "Cortex-A9", "0xc0d": "Cortex-A12", "0xc0e": "Cortex-A17", "0xc0f": "Cortex-A15",
		"0xd01": "Cortex-A32", "0xd02": "Cortex-A34", "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd06": "Cortex-A65",
		"0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1",
		"0xd0d": "Cortex-A77", "0xd0e": "Cortex-A76AE", "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd42": "Cortex-A78AE", "0xd43": "Cortex-A65AE",
		"0xd44": "Cortex-X1", "0xd46": "Cortex-A510", "0xd47": "Cortex-A710", "0xd48": "Cortex-X2", "0xd49": "Neoverse-N2", "0xd4a": "Neoverse-E1",
		"0xd4b": "Cortex-A78C", "0xd4c": "Cortex-X1C", "0xd4d": "Cortex-A715", "0xd4e": "Cortex-X3", "0xd4f": "Neoverse-V2",
		"0xd80": "Cortex-A520", "0xd81": "Cortex-A720", "0xd82": "Cortex-X4", "0xd83": "Neoverse-V3AE", "0xd84": "Neoverse-V3", "0xd85": "Cortex-X925",
		"0xd87": "Cortex-A725", "0xd8e": "Neoverse-N3",
	}},
	"0x42": {"Broadcom", map[string]string{"0xf": "Brahma-B15", "0x100": "Brahma-B53", "0x516": "ThunderX2"}},
	"0x43": {"Cavium", map[string]string{
		"0xa0": "ThunderX", "0xa1": "ThunderX 88XX", "0xa2": "ThunderX 81XX", "0xa3": "ThunderX 83XX", "0xaf": "ThunderX2", "0xb1": "OcteonTX2", "0xb8": "ThunderX3",
	}},
	"0x46": {"Fujitsu", map[string]string{"0x1": "A64FX", "0x3": "Monaka"}},
	"0x48": {"HiSilicon", map[string]string{"0xd01": "TSV110 (Kunpeng 920)", "0xd02": "TSV120", "0xd40": "Cortex-A76", "0xd41": "Cortex-A77"}},
	"0x4e": {"Nvidia", map[string]string{"0x0": "Denver", "0x3": "Denver 2", "0x4": "Carmel", "0x10": "Olympus"}},
	"0x50": {"AppliedMicro", map[string]string{"0x0": "X-Gene"}},
	"0x51": {"Qualcomm", map[string]string{
		"0x1": "Oryon", "0x2d": "Scorpion", "0x6f": "Krait", "0x201": "Kryo Silver", "0x205": "Kryo Gold", "0x211": "Kryo Silver",
		"0x800": "Kryo 2xx Gold", "0x801": "Kryo 2xx Silver", "0x802": "Kryo 3xx Gold", "0x803": "Kryo 3xx Silver", "0x804": "Kryo 4xx Gold", "0x805": "Kryo 4xx Silver",
		"0xc00": "Falkor", "0xc01": "Saphira",
	}},
	"0x53": {"Samsung", map[string]string{"0x1": "Exynos M1", "0x2": "Exynos M3", "0x3": "Exynos M4", "0x4": "Exynos M5"}},
	"0x56": {"Marvell", nil},
	"0x61": {"Apple", map[string]string{
		"0x20": "A14 Icestorm", "0x21": "A14 Firestorm", "0x22": "M1 Icestorm", "0x23": "M1 Firestorm", "0x24": "M1 Pro Icestorm", "0x25": "M1 Pro Firestorm",
		"0x28": "M1 Max Icestorm", "0x29": "M1 Max Firestorm", "0x30": "A15 Blizzard", "0x31": "A15 Avalanche", "0x32": "M2 Blizzard", "0x33": "M2 Avalanche",
		"0x34": "M2 Pro Blizzard", "0x35": "M2 Pro Avalanche", "0x38": "M2 Max Blizzard", "0x39": "M2 Max Avalanche",
	}},
	"0x69": {"Intel", nil},
	"0x6d": {"Microsoft", map[string]string{"0xd49": "Cobalt 100"}},
	"0x70": {"Phytium", map[string]string{"0x660": "FTC660", "0x661": "FTC661", "0x662": "FTC662", "0x663": "FTC663", "0x664": "FTC664", "0x862": "FTC862"}},
	"0xc0": {"Ampere", map[string]string{"0xac3": "Ampere-1", "0xac4": "Ampere-1a", "0xac5": "Ampere-1b"}},
}
