package proc

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// memoryStatus is MEMORYSTATUSEX of the Windows API.
type memoryStatus struct {
	length, load                                                                 uint32
	total, free, totalPage, freePage, totalVirtual, freeVirtual, extendedVirtual uint64
}

// Memory is how many bytes of memory the machine has; 0 when that cannot be
// known.
func Memory() int64 {
	s := memoryStatus{length: uint32(unsafe.Sizeof(memoryStatus{}))}
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")
	if ok, _, _ := call.Call(uintptr(unsafe.Pointer(&s))); ok == 0 { //nolint:gosec // as the API wants it
		return 0
	}
	return int64(s.total) //nolint:gosec // no machine has that much
}
