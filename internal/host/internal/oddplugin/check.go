package main

import (
	"context"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/chaos-monkey-engine/cmed/sdk/pluginv1"
)

// Check warns of what it was asked about, or does as the mode says.
func (server) Check(ctx context.Context, r *pluginv1.CheckRequest) (*pluginv1.CheckResponse, error) {
	answer := &pluginv1.CheckResponse{Warnings: []string{r.GetRef() + " " + string(r.GetConfig())}}
	switch mode(r.GetConfig()) {
	case "refuse":
		answer.Failure = &pluginv1.Failure{Message: "no such provider", Pointer: "/args/provider"}
	case "many":
		for range 300 {
			answer.Warnings = append(answer.Warnings, strings.Repeat("w", 1<<10))
		}
	case "long":
		answer.Warnings = []string{strings.Repeat("w", 1<<20)}
	case "huge":
		answer.Warnings = []string{strings.Repeat("w", 17<<20)}
	case "unimplemented":
		return server{}.UnimplementedPluginServer.Check(ctx, r)
	case "hang":
		time.Sleep(time.Hour)
	case "die":
		_, _ = syscall.Write(2, []byte("cannot check\n"))
		os.Exit(4)
	}
	return answer, nil
}
