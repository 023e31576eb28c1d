// Command bench measures mlops against what people use today, on this machine:
//
//	go run -C tools ./bench                 # all rows, docs/benchmarks.md
//	go run -C tools ./bench -rows startup,pipeline -runs 9
//	go run -C tools ./bench -dvc ~/venv/bin/dvc -rclone ~/bin/rclone -scale 0.1
//
// A scenario makes its data, lets the sides race and gives rows of the table.
// The sides of a race take turns, so that a change of the machine's load hits
// all of them; a row shows medians. Nothing is deleted before the end: ext4 is
// slow to reuse inodes that were freed a moment ago, which made later runs up to
// thirty times slower. All of it needs some 45 GB of disk and, with DVC, half an
// hour. Dirty pages are flushed before each measurement.
//
// It runs on Unix only, needs no module but the standard library, and builds
// the mlops that it measures.
package main
