package server

import (
	"bytes"
	"debug/elf"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// trim gives back the pages of the program's file that only starting needed: some
// 30 MiB. Nobody writes them; what is needed again is mapped again, from the
// system's cache. It is a saving: where it fails nothing is lost.
func trim() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil || !fixed(exe) {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range bytes.Lines(maps) {
		fields := bytes.Fields(line)
		if len(fields) != 6 || string(fields[5]) != exe || string(fields[1]) != "r-xp" && string(fields[1]) != "r--p" {
			continue
		}
		from, to, _ := bytes.Cut(fields[0], []byte("-"))
		start, err1 := strconv.ParseUint(string(from), 16, 64)
		end, err2 := strconv.ParseUint(string(to), 16, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(start), uintptr(end-start), unix.MADV_DONTNEED)
	}
}

// fixed reports whether a program stands where its file says (ET_EXEC): then its
// read-only pages are those of the file. Others have addresses written into some
// of them when they start, which would be lost.
func fixed(exe string) bool {
	f, err := elf.Open(exe)
	if err != nil {
		return false
	}
	kind := f.Type
	return f.Close() == nil && kind == elf.ET_EXEC
}
