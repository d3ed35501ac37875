//go:build tools

// Package tools pins the Pulumi CLI as a dependency, so that go.mod and go.sum fix what is built.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
