package db

// Counts is what a DB has done since it was opened.
type Counts struct {
	Commits int64 // transactions of Update
	Updates int64 // calls of Update that were answered by them
	Open    int   // connections
	Busy    int   // connections that are in use
}

// Counts returns what d has done.
func (d *DB) Counts() Counts {
	s := d.Stats()
	return Counts{Commits: d.counts.commits.Load(), Updates: d.counts.updates.Load(), Open: s.OpenConnections, Busy: s.InUse}
}

// counted adds a transaction that answered so many updates.
func (d *DB) counted(updates int) {
	d.counts.commits.Add(1)
	d.counts.updates.Add(int64(updates))
}
