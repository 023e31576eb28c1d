// Package mlmodel reads and writes the file MLmodel that MLflow keeps beside a
// model: YAML whose bytes are those of MLflow's own writer.
//
// A flavor is a way to load the model, such as sklearn or python_function. The
// signature says what goes in and comes out; an input example is a file beside.
package mlmodel
