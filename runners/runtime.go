package runners

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/hellobench/hellobench/internal/http1"
)

// Runtime is what the server says of itself at /__runtime, flat ("jit":
// "true", "packages.flask": "3.1.2"), and its threads by name as the system
// knows them. A server without that route has only its threads.
func (p *Process) Runtime(ctx context.Context) map[string]string {
	out := map[string]string{}
	if names := threadNames(p.guard.Process.Pid); names != "" {
		out["thread_names"] = names
	}
	a, err := get(ctx, &http1.Exchange{URL: p.URL("/__runtime")}, false)
	if err != nil || a.status != http.StatusOK {
		return out
	}
	var said map[string]any
	if json.Unmarshal(a.body, &said) == nil {
		flatten(out, "", said)
	}
	return out
}

// flatten writes the values of nested objects under dotted names.
func flatten(into map[string]string, prefix string, values map[string]any) {
	for name, v := range values {
		switch v := v.(type) {
		case map[string]any:
			flatten(into, prefix+name+".", v)
		case nil:
			into[prefix+name] = "none"
		default:
			into[prefix+name] = fmt.Sprint(v)
		}
	}
}
