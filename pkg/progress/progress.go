package progress

// Unknown is a total that is not known yet.
const Unknown = -1

// Reporter starts tasks. A Reporter and its tasks may be used by many
// goroutines at once.
type Reporter interface {
	// Task begins a piece of work with a label such as "hashing" and the
	// number of files and bytes it will handle, or Unknown.
	Task(label string, files, bytes int64) Task
}

// Task is one piece of work.
type Task interface {
	// Add says that so many more files and bytes are done.
	Add(files, bytes int64)
	// SetTotal replaces the totals that Task was started with.
	SetTotal(files, bytes int64)
	// Done ends the task. It is called once, also when the work failed.
	Done()
}

// Nop reports to nobody.
type Nop struct{}

// Task returns a task that does nothing.
func (Nop) Task(string, int64, int64) Task { return Nop{} }

// Add does nothing.
func (Nop) Add(int64, int64) {}

// SetTotal does nothing.
func (Nop) SetTotal(int64, int64) {}

// Done does nothing.
func (Nop) Done() {}
