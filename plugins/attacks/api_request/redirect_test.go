package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRedirectIsFollowed(t *testing.T) {
	endpoint, requests := sink(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/there", http.StatusPermanentRedirect)
		}
	})
	args := Args{
		Endpoint: endpoint, Method: "POST", Payload: json.RawMessage(`{"a": 1}`),
		Headers: map[string]string{"X-Token": "0123456789"},
	}
	got, err := send(t.Context(), args, "0190")
	if err != nil || got.Status != http.StatusOK || got.URL != endpoint+"/there" {
		t.Fatalf("answer %+v, error %v", got, err)
	}
	<-requests
	if r := <-requests; r.method != "POST" || r.body != "a=1" || r.header.Get("X-Token") != "0123456789" {
		t.Errorf("the redirected request: %+v", r)
	}
}

func TestRedirectIsTheAnswer(t *testing.T) {
	endpoint, requests := sink(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/there", http.StatusFound)
	})
	got, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET", FollowRedirects: new(bool)}, "0190")
	if err != nil || got.Status != http.StatusFound || len(requests) != 1 {
		t.Errorf("answer %+v, error %v, %d requests", got, err, len(requests))
	}
}

func TestRedirectsEnd(t *testing.T) {
	endpoint, requests := sink(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
	})
	_, err := send(t.Context(), Args{Endpoint: endpoint, Method: "GET"}, "0190")
	if err == nil || !strings.HasSuffix(err.Error(), "gave up after 10 redirects") || len(requests) != 11 {
		t.Errorf("error %v after %d requests", err, len(requests))
	}
}

func TestHeadersStayWithTheirHost(t *testing.T) {
	other, requests := sink(t, noContent)
	endpoint, _ := sink(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(other, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect)
	})
	args := Args{
		Endpoint: endpoint, Method: "POST", Payload: json.RawMessage(`"x"`),
		Headers: map[string]string{"x-token": "0123456789", "content-type": "text/odd"},
	}
	if _, err := send(t.Context(), args, "0190"); err != nil {
		t.Fatal(err)
	}
	r := <-requests
	if r.header.Get("X-Token") != "" || r.header.Get("Content-Type") != "text/odd" || r.body != "x" {
		t.Errorf("another host got %v, body %q", r.header, r.body)
	}
}

func TestHeadersStayEncrypted(t *testing.T) {
	secure := httptest.NewRequest(http.MethodGet, "https://shop.example/", nil)
	plain := httptest.NewRequest(http.MethodGet, "http://shop.example/", nil)
	plain.Header.Set("X-Token", "0123456789")
	args := Args{Headers: map[string]string{"X-Token": "0123456789"}}
	if err := args.redirect(plain, []*http.Request{secure}); err != nil || plain.Header.Get("X-Token") != "" {
		t.Errorf("error %v, header %q", err, plain.Header.Get("X-Token"))
	}
}
