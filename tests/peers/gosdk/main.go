// A server of the official Go SDK that tells which tools it ran: see tests/differential.
//
//	RAN=FILE gosdk stdio | http PORT
//
// With ANSWERS=events, answers over HTTP are event streams; with ANSWERS=sessions there are sessions besides, whose streams can
// be taken up again. Of two calls of tools `meet...` each waits for the other, and one of a tool `hold...` runs until it is
// cancelled. It has a tool of any name. What it ran is a line in FILE, in JSON, which no part of MCP has to do with.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func main() {
	ran, err := os.OpenFile(os.Getenv("RAN"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		log.Fatal(err)
	}
	capabilities := &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}}
	victim := mcp.NewServer(&mcp.Implementation{Name: "victim", Version: "1"}, &mcp.ServerOptions{Capabilities: capabilities})
	meeting := make(chan struct{})
	victim.AddReceivingMiddleware(func(next mcp.MethodHandler) mcp.MethodHandler {
		return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
			params, isCall := request.GetParams().(*mcp.CallToolParamsRaw)
			if method != "tools/call" || !isCall {
				return next(ctx, method, request)
			}
			var arguments map[string]any
			_ = json.Unmarshal(params.Arguments, &arguments)
			marker, _ := arguments["marker"].(string)
			line, err := json.Marshal(map[string]any{"tool": params.Name, "marker": marker})
			if err != nil {
				return nil, err
			}
			if _, err = ran.Write(append(line, '\n')); err != nil {
				return nil, err
			}
			if strings.HasPrefix(params.Name, "hold") {
				<-ctx.Done()
			}
			if strings.HasPrefix(params.Name, "meet") {
				select {
				case meeting <- struct{}{}:
				case <-meeting:
				}
			}
			return &mcp.CallToolResult{Content: []mcp.Content{}}, nil
		}
	})
	if os.Args[1] == "stdio" {
		err = victim.Run(context.Background(), &mcp.StdioTransport{})
	} else {
		answers := os.Getenv("ANSWERS")
		options := &mcp.StreamableHTTPOptions{Stateless: answers != "sessions", JSONResponse: answers == ""}
		if answers == "sessions" {
			options.EventStore = mcp.NewMemoryEventStore(nil)
		}
		handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return victim }, options)
		err = http.ListenAndServe("127.0.0.1:"+os.Args[2], handler)
	}
	if err != nil {
		log.Fatal(err)
	}
}
