package oid

import "encoding/binary"

// Set is a set of ids in about 42 bytes each; a map takes up to twice as much,
// which counts where there are millions. The zero value is empty. It is not
// safe for use by several goroutines.
type Set struct {
	chunks [][]ID   // in the order of Add; all but the last are full
	table  []uint32 // numbers of ids, plus one; 0: free
	n      int
}

// setChunk is how many ids are allocated at once.
const setChunk = 1 << 12

// Len is the number of ids.
func (s *Set) Len() int { return s.n }

// Has reports whether id is in the set.
func (s *Set) Has(id ID) bool {
	if s == nil || s.n == 0 {
		return false
	}
	_, ok := s.slot(id)
	return ok
}

// Add puts id in and reports whether it was not there.
func (s *Set) Add(id ID) bool {
	if s.n*4 >= len(s.table)*3 {
		s.grow()
	}
	at, ok := s.slot(id)
	if ok {
		return false
	}
	if s.n%setChunk == 0 {
		// The first chunk grows as it is needed: most sets are small.
		s.chunks = append(s.chunks, nil)
	}
	last := len(s.chunks) - 1
	if last > 0 && s.chunks[last] == nil {
		s.chunks[last] = make([]ID, 0, setChunk)
	}
	s.chunks[last] = append(s.chunks[last], id)
	s.n++
	s.table[at] = uint32(s.n)
	return true
}

// At is the id that was added i-th, from 0 on.
func (s *Set) At(i int) ID { return *s.at(uint32(i)) }

// Truncate takes out all but the n ids that were added first.
func (s *Set) Truncate(n int) {
	for s.n > n {
		at, _ := s.slot(*s.at(uint32(s.n - 1)))
		s.free(uint64(at))
		s.n--
		last := len(s.chunks) - 1
		if s.chunks[last] = s.chunks[last][:s.n%setChunk]; s.n%setChunk == 0 {
			s.chunks = s.chunks[:last]
		}
	}
}

// free makes a place of the table free, and moves what was put behind it only
// because it was taken.
func (s *Set) free(hole uint64) {
	mask := uint64(len(s.table) - 1)
	for at := (hole + 1) & mask; s.table[at] != 0; at = (at + 1) & mask {
		home := s.home(*s.at(s.table[at] - 1))
		if (at-home)&mask >= (at-hole)&mask {
			s.table[hole], hole = s.table[at], at
		}
	}
	s.table[hole] = 0
}

func (s *Set) at(i uint32) *ID { return &s.chunks[i/setChunk][i%setChunk] }

// home is where the search for id begins. Ids are hashes: any bytes of them are
// spread evenly.
func (s *Set) home(id ID) uint64 {
	return binary.LittleEndian.Uint64(id[8:]) & uint64(len(s.table)-1)
}

// slot is the place of id in the table, or the free one where it belongs.
func (s *Set) slot(id ID) (int, bool) {
	mask := uint64(len(s.table) - 1)
	for at := s.home(id); ; at = (at + 1) & mask {
		i := s.table[at]
		if i == 0 {
			return int(at), false
		}
		if *s.at(i - 1) == id {
			return int(at), true
		}
	}
}

func (s *Set) grow() {
	s.table = make([]uint32, max(16, 2*len(s.table)))
	for i := range uint32(s.n) {
		at, _ := s.slot(*s.at(i))
		s.table[at] = i + 1
	}
}
