# What people and CI type. Each target is one job; .ci/run calls most of them.
.PHONY: build test lint docs bench bench-server ci release-check

build:
	CGO_ENABLED=0 go build -trimpath -tags disable_grpc_modules -o mlops .

test:
	go test ./...

lint:
	.ci/run lint

# Reference and man pages from the commands.
docs:
	go run . docs --markdown docs/reference

bench:
	go run -C tools ./bench -out $(CURDIR)/docs/benchmarks.md

bench-server:
	go run -C tools ./benchserver -out $(CURDIR)/docs/benchmarks-server.md

# Everything that CI checks, as CI checks it.
ci:
	.ci/run

release-check:
	.ci/run release
