package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/chaos-monkey-engine/cmed/internal/access"
)

// handler answers one route. Path parameters are in r.PathValue. An error it
// returns becomes the answer, or cuts the answer off if that has begun.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one row of the routing table. A GET also serves HEAD.
type route struct {
	method, path string
	// operation names what it does, for the audit and for the API's description.
	operation string
	need      access.Role // of the caller
	handle    handler
}

// newRouter puts the table into Echo. This file is the only one that knows it:
// what the handlers see is net/http.
func (s *Server) newRouter() http.Handler {
	e := echo.New()
	e.IPExtractor = func(r *http.Request) string { return showAddress(clientAddress(r, s.cfg.TrustedProxies)) }
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		s.fail(c.Response().Writer, c.Request(), fromEcho(err, c.Request()))
	}
	methods := map[string][]string{}
	for _, rt := range s.routes() {
		h := s.adapt(rt)
		e.Add(rt.method, rt.path, h)
		methods[rt.path] = append(methods[rt.path], rt.method)
		if rt.method == http.MethodGet {
			e.Add(http.MethodHead, rt.path, h)
			methods[rt.path] = append(methods[rt.path], http.MethodHead)
		}
	}
	for path, allowed := range methods {
		e.Add(http.MethodOptions, path, s.adapt(route{method: http.MethodOptions, path: path, need: access.Nobody, handle: options(allowed)}))
		bare := strings.TrimSuffix(path, "/")
		if _, served := methods[bare]; !served && bare != "" {
			e.Any(bare, s.adapt(route{path: bare, need: access.Nobody, handle: toSlash}))
		}
	}
	return e
}

// adapt makes a handler of Echo's out of ours.
func (s *Server) adapt(rt route) echo.HandlerFunc {
	return func(c echo.Context) error {
		w, r := c.Response().Writer, c.Request()
		for i, name := range c.ParamNames() {
			r.SetPathValue(name, unescape(r, c.ParamValues()[i]))
		}
		if err := s.enter(w, r, rt); err != nil {
			s.fail(w, r, err)
		} else if err := rt.handle(w, r); err != nil {
			s.fail(w, r, err)
		}
		return nil
	}
}

// enter is what comes before every handler: the caller may use the route, the
// body is of a kind that is taken, and what is done will be on record.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, rt route) error {
	x, ok := w.(*exchange)
	if !ok {
		return fmt.Errorf("route %s: its answer is a %T", rt.path, w)
	}
	x.route = rt.path
	caller := callerOf(r)
	if err := permit(caller, rt.need, x.unknown); err != nil {
		if caller.Role == access.Nobody && rt.isRecorded() {
			s.recordRefused(r, rt)
		} else {
			x.record = s.newRecord(r, rt)
		}
		return err
	}
	x.record = s.newRecord(r, rt)
	if rt.isWrite() {
		return checkWrite(r, rt.operation)
	}
	return nil
}

// isWrite says whether the route changes something.
func (rt route) isWrite() bool { return rt.operation != "" && rt.method != http.MethodGet }

// isRecorded says whether what is done there goes into the audit: every write,
// and the one reading that carries everything away.
func (rt route) isRecorded() bool { return rt.isWrite() || rt.operation == operationBackup }

// unescape decodes a path parameter. Echo matches the path as sent when its
// encoding is not the usual one, and hands out its parts undecoded.
func unescape(r *http.Request, value string) string {
	if r.URL.RawPath == "" {
		return value
	}
	if plain, err := url.PathUnescape(value); err == nil {
		return plain
	}
	return value
}

// fromEcho turns the router's own errors into ours.
func fromEcho(err error, r *http.Request) error {
	var he *echo.HTTPError
	switch {
	case !errors.As(err, &he):
		return err
	case he.Code == http.StatusNotFound:
		return refuse(he.Code, "there is nothing at %s", r.URL.Path)
	case he.Code == http.StatusMethodNotAllowed:
		return refuse(he.Code, "%s is not possible here; %s", r.Method, possibleAt(r.URL.Path))
	default:
		return err
	}
}

// possibleAt says what is possible at a path. Who calls the lever is in a hurry
// and may not see the headers.
func possibleAt(path string) string {
	if strings.TrimSuffix(path, "/") == leverPath {
		return "PUT engages the lever, DELETE releases it"
	}
	return "the Allow header says what is"
}

// options answers an OPTIONS request that is no preflight.
func options(allowed []string) handler {
	allowed = append(slices.Clone(allowed), http.MethodOptions)
	slices.Sort(allowed)
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
}

// movedDocument is the body of a redirect.
type movedDocument struct {
	Msg string `json:"msg"`
}

// toSlash sends a client on to the form of a collection's path that ends in a
// slash. 308 keeps method and body; 301 is what old clients follow. The body is
// for those that follow neither.
func toSlash(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusPermanentRedirect
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		status = http.StatusMovedPermanently
	}
	target := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", target.String())
	return send(w, r, status, movedDocument{Msg: "moved to " + target.EscapedPath() + "; send it there"})
}
