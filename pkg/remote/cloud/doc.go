// Package cloud opens buckets of S3 (and services that speak its protocol),
// Google Cloud Storage and Azure Blob Storage, and buckets in memory for tests.
// It is the only importer of gocloud.dev. Credentials come from where each
// service's own tools find them.
package cloud
