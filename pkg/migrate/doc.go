// Package migrate lets a repository of DVC be used as it is, and moves it over.
//
// A sum is what DVC calls content, an object id what we call it; the table
// dvc_sums of index.db says which belong together. A sum is learnt by reading
// the content once, here or while it is brought in, and never again.
//
// Foreign is what DVC's files name and no pointer or lock of ours does. Import
// brings all of it in: objects from DVC's cache, pointers beside .dvc files,
// mlops.lock beside dvc.lock, the run cache as stage cache, experiments as runs.
// Nothing of DVC's is changed, so that both tools can go on side by side.
package migrate
