package cmepython

import (
	"strings"
	"testing"

	"github.com/chaos-monkey-engine/cmed/sdk/sdktest"
)

// libcloud stands for Apache Libcloud: it shows what the factory calls it with.
var libcloud = files{
	"libcloud/__init__.py": "", "libcloud/compute/__init__.py": "",
	"libcloud/compute/types.py":     "class Provider:\n    EC2 = 'ec2'\n",
	"libcloud/compute/providers.py": "def get_driver(provider):\n    return lambda *args, **options: [provider, list(args), options]\n",
}

const useDriver = `
from chaosmonkey.drivers import EC2DriverFactory
return EC2DriverFactory(region="eu-west-1").get_driver()`

func TestTheDriverOfEC2(t *testing.T) {
	config := sdktest.Config(map[string]any{"ref": "m:A"})
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	b := newBridge(t, "attack", libcloud)
	b.put(t, "m.py", attackModule(useDriver))
	got := sdktest.Run(t, b.attack(t, "m:A"), nil, config)
	if got.Failure == nil || !strings.Contains(got.Failure.Message, "AWS_SECRET_ACCESS_KEY are not granted to this attack") {
		t.Errorf("without credentials: %v", got.Failure)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	got = sdktest.Run(t, b.attack(t, "m:A"), nil, config)
	if want := `["ec2",["key","secret"],{"region":"eu-west-1","token":"token"}]`; !sameJSON(string(got.Result), want) {
		t.Errorf("%v, %s, want %s", got.Failure, got.Result, want)
	}
}

func TestWithoutLibcloudTheDriverSaysSo(t *testing.T) {
	b := newBridge(t, "attack", files{"libcloud.py": "raise ImportError('none here')"})
	b.put(t, "m.py", attackModule(useDriver))
	if _, warnings := b.listed(t); strings.Contains(warnings, "m.py") {
		t.Errorf("a module that only may need it is not served: %s", warnings)
	}
	got := sdktest.Run(t, b.attack(t, "m:A"), nil, sdktest.Config(map[string]any{"ref": "m:A"}))
	if got.Failure == nil || !strings.HasPrefix(got.Failure.Message, "ImportError: EC2DriverFactory needs Apache Libcloud; install it") {
		t.Errorf("%v", got.Failure)
	}
}
