// A server of mcp-go that tells which tools it ran: see tests/differential.
//
//	RAN=FILE mcpgo stdio | http PORT
//
// It has the tools delete_0000 to delete_9999 and read_0000 to read_9999, and meet_0000 to meet_0999, of two calls of which
// each waits for the other, and hold_0000 to hold_0999, which run until they are cancelled. With ANSWERS=sessions there are
// sessions over HTTP. What it ran is a line in FILE, in JSON, which no
// part of MCP has to do with.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	ran, err := os.OpenFile(os.Getenv("RAN"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	meeting := make(chan struct{})
	run := func(ctx context.Context, request mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		marker, _ := request.GetArguments()["marker"].(string)
		line, err := json.Marshal(map[string]any{"tool": request.Params.Name, "marker": marker})
		if err != nil {
			return nil, err
		}
		if _, err = ran.Write(append(line, '\n')); err != nil {
			return nil, err
		}
		if strings.HasPrefix(request.Params.Name, "hold") {
			<-ctx.Done()
		}
		if strings.HasPrefix(request.Params.Name, "meet") {
			select {
			case meeting <- struct{}{}:
			case <-meeting:
			}
		}
		return mcp.NewToolResultText(""), nil
	}
	var tools []server.ServerTool
	for number := range 10000 {
		kinds := []string{"delete", "read"}
		if number < 1000 {
			kinds = append(kinds, "meet", "hold")
		}
		for _, kind := range kinds {
			tool := mcp.NewTool(fmt.Sprintf("%s_%04d", kind, number))
			tools = append(tools, server.ServerTool{Tool: tool, Handler: run})
		}
	}
	victim := server.NewMCPServer("victim", "1", server.WithToolCapabilities(false))
	victim.AddTools(tools...)
	if os.Args[1] == "stdio" {
		err = server.ServeStdio(victim)
	} else {
		isStateless := os.Getenv("ANSWERS") != "sessions"
		err = server.NewStreamableHTTPServer(victim, server.WithStateLess(isStateless)).Start("127.0.0.1:" + os.Args[2])
	}
	if err != nil {
		log.Fatal(err)
	}
}
