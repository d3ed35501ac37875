//go:build tools

// Package tools pins actionlint as a dependency, so that go.mod and go.sum fix what is built.
package tools

import _ "github.com/rhysd/actionlint/cmd/actionlint"
