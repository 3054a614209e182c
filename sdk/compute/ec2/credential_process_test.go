package ec2

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/compute"
)

// The SDK's error has the whole output of a credential_process that it can't read.
func TestWhatACredentialProcessSaysIsNotShown(t *testing.T) {
	for _, version := range []string{`"1"`, `1,`, `2`} {
		setEnv(t, "AWS_REGION=eu-west-1")
		writeProfile(t, "config", "[default]\ncredential_process = echo '{\"Version\": "+version+
			", \"AccessKeyId\": \""+testKey+"\", \"SecretAccessKey\": \""+testSecret+"\"}'\n")
		_, err := open(t.Context(), compute.Options{}, quick)
		if err == nil || strings.Contains(fmt.Sprintf("%+v", err), testSecret) || !strings.Contains(err.Error(), "credential_process") {
			t.Errorf("%s: %v", version, err)
		}
	}
}
