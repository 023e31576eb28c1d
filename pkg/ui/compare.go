package ui

// maxCompared is how many runs are compared at once.
const maxCompared = 100
