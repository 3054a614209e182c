package scripts

import (
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// lasting are the scripts that last, each with variables that make it do little.
var lasting = map[string][]string{
	"s_burncpu.sh":      {"CPUS=2"},
	"s_burnio.sh":       {"SIZE=1M"},
	"s_filldisk.sh":     {"SIZE=2M"},
	"s_stop_service.sh": {"UNIT=shop"},
}

// eachLasting runs a test with every lasting script under every shell.
func eachLasting(t *testing.T, test func(t *testing.T, w *world, script string, variables []string)) {
	t.Helper()
	for script, variables := range lasting {
		t.Run(script, func(t *testing.T) {
			eachShell(t, func(t *testing.T, w *world) { test(t, w, script, variables) })
		})
	}
}

func TestEndsByItself(t *testing.T) {
	eachLasting(t, func(_ *testing.T, w *world, script string, variables []string) {
		w.start(script, append(variables, "DURATION=1s")...).ends(0)
		w.isClean()
	})
}

func TestTakesBackWhenToldToEnd(t *testing.T) {
	for sent, status := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130, syscall.SIGHUP: 129} {
		t.Run(sent.String(), func(t *testing.T) {
			if signal.Ignored(sent) {
				t.Skip("a shell can't heed a signal that is ignored around it: run the tests in the foreground")
			}
			eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
				r := w.start(script, append(variables, "DURATION=1h")...)
				r.line()
				r.signal(sent)
				if got := r.status(); got != status && r.bashLostIt() {
					w.undo(script) // what an abort leaves, as after a SIGKILL
				} else if got != status {
					t.Errorf("it ends with status %d, want %d; it printed %q and %q", got, status, r.rest, r.stderr)
				}
				w.isClean()
			})
		})
	}
}

func TestUndoAfterAKill(t *testing.T) {
	for rule, whole := range map[string]bool{"of the script alone": false, "of its group": true} {
		t.Run(rule, func(t *testing.T) {
			eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
				r := w.start(script, append(variables, "DURATION=1h")...)
				r.line()
				victim := r.command.Process.Pid
				if whole {
					victim = -victim
				}
				if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				r.ends(-1)
				w.undo(script)
				w.isClean()
				w.undo(script)
				w.isClean()
			})
		})
	}
}

// run_script gives an undo a job of its own, and names the one to take back.
func TestUndoOfAnotherJob(t *testing.T) {
	eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
		r := w.start(script, append(variables, "DURATION=1h")...)
		r.line()
		r.signal(syscall.SIGKILL)
		r.ends(-1)
		variables = []string{"CMED_UNDO=1", "CMED_JOB=" + w.job + "-undo", "CMED_UNDO_JOB=" + w.job}
		undo := w.start(script, variables...)
		undo.ends(0)
		if undo.stderr.Len() > 0 {
			t.Errorf("it says %q", undo.stderr)
		}
		w.isClean()
		// What is not found may be elsewhere.
		again := w.start(script, variables...)
		again.ends(0)
		if !strings.Contains(again.stderr.String(), w.job+" has nothing on file in "+w.state) {
			t.Errorf("it says %q", again.stderr)
		}
		w.isClean()
	})
}

func TestUndoEndsARunThatIsStillThere(t *testing.T) {
	eachLasting(t, func(_ *testing.T, w *world, script string, variables []string) {
		r := w.start(script, append(variables, "DURATION=1h")...)
		r.line()
		w.undo(script)
		r.ends(143)
		w.isClean()
	})
}

func TestUndoLeavesOtherJobsAlone(t *testing.T) {
	eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
		r := w.start(script, append(variables, "DURATION=1h")...)
		r.line()
		w.start(script, "CMED_UNDO=1", "CMED_JOB="+w.job+"-other").ends(0)
		if len(w.processes()) == 0 {
			t.Error("the run is gone")
		}
		r.signal(syscall.SIGTERM)
		r.ends(143)
		w.isClean()
	})
}

func TestUndoOfNothing(t *testing.T) {
	scripts := []string{"s_empty.sh"}
	for script := range lasting {
		scripts = append(scripts, script)
	}
	for _, script := range scripts {
		t.Run(script, func(t *testing.T) {
			eachShell(t, func(_ *testing.T, w *world) {
				w.undo(script)
				w.isClean()
				// What is wrong with the input doesn't matter to an undo.
				w.start(script, "CMED_UNDO=1", "DURATION=never", "UNIT=;", "DIR=x").ends(0)
			})
		})
	}
}

func TestAJobRunsOnce(t *testing.T) {
	eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
		first := w.start(script, append(variables, "DURATION=1h")...)
		first.line()
		second := w.start(script, append(variables, "DURATION=1s")...)
		second.ends(1)
		if len(w.processes()) == 0 {
			t.Error("the second run ended the first")
		}
		first.signal(syscall.SIGTERM)
		first.ends(143)
		w.isClean()
	})
}

func TestEmptyDoesNothing(t *testing.T) {
	eachShell(t, func(_ *testing.T, w *world) {
		w.start("s_empty.sh").ends(0)
		w.isClean()
	})
}

func TestBadInput(t *testing.T) {
	duration := "DURATION is not a duration from 1s to 1h, such as 90s, 5m or 1h"
	for _, c := range []struct{ script, variables, want string }{
		{"s_burncpu.sh", "DURATION=0", duration},
		{"s_burncpu.sh", "DURATION=61m", duration},
		{"s_burncpu.sh", "DURATION=3601", duration},
		{"s_burncpu.sh", "DURATION=1d", duration},
		{"s_burncpu.sh", "DURATION=-1", duration},
		{"s_burncpu.sh", "DURATION=1.5s", duration},
		{"s_burncpu.sh", "DURATION=s", duration},
		{"s_burncpu.sh", "DURATION=1ss", duration},
		{"s_burncpu.sh", "DURATION=99999999999999999999", duration},
		{"s_burncpu.sh", "DURATION=$(touch $DIR/x)", duration},
		{"s_burncpu.sh", "DURATION=x[$(touch $DIR/x)]", duration},
		{"s_burncpu.sh", "DURATION=1\n2", duration},
		{"s_burncpu.sh", "CPUS=0", "CPUS is not a number from 1 to 1024"},
		{"s_burncpu.sh", "CPUS=1025", "CPUS is not a number from 1 to 1024"},
		{"s_burncpu.sh", "LOAD=101%", "LOAD is not a percentage from 1 to 100"},
		{"s_burnio.sh", "DURATION=2h", duration},
		{"s_burnio.sh", "SIZE=64", "SIZE is not a size from 1M to 16G: a number with M or G, such as 64M"},
		{"s_burnio.sh", "SIZE=17G", "SIZE is not a size from 1M to 16G: a number with M or G, such as 64M"},
		{"s_burnio.sh", "SIZE=1M;ls", "SIZE is not a size from 1M to 16G: a number with M or G, such as 64M"},
		{"s_burnio.sh", "DIR=relative", "DIR is not an absolute path"},
		{"s_burnio.sh", "DIR=/nowhere at all", "DIR is not a folder"},
		{"s_burnio.sh", "DIR=/\n", "DIR is not a folder"},
		{"s_filldisk.sh", "DURATION=2h", duration},
		{"s_filldisk.sh", "SIZE=65T", "SIZE is not a size from 1M to 64T: a number with M, G or T, such as 512M"},
		{"s_filldisk.sh", "PERCENT=0", "PERCENT is not a percentage from 1 to 100"},
		{"s_filldisk.sh", "RESERVE=none", "RESERVE is not a size from 0M to 64T: a number with M, G or T, such as 256M"},
		{"s_filldisk.sh", "DIR=.", "DIR is not an absolute path"},
		{"s_stop_service.sh", "UNIT=", "UNIT says no service"},
		{"s_stop_service.sh", "UNIT=-q", "UNIT is not the name of a service"},
		{"s_stop_service.sh", "UNIT=shop;reboot", "UNIT is not the name of a service"},
		{"s_stop_service.sh", "UNIT=*", "UNIT is not the name of a service"},
		{"s_stop_service.sh", "UNIT=shop\nssh", "UNIT is not the name of a service"},
		{"s_stop_service.sh", "UNIT=../shop", "UNIT is not the name of a service"},
		{"s_stop_service.sh", "UNIT=multi-user.target", "UNIT is not a service"},
		{"s_stop_service.sh", "UNIT=sshd", "sshd.service is needed to start it again, and is not stopped"},
		{"s_stop_service.sh", "UNIT=systemd-networkd.service", "systemd-networkd.service is needed to start it again, and is not stopped"},
		{"s_stop_service.sh", "DURATION=x", duration},
		{"s_burnio.sh", "STATE_DIR=here", "STATE_DIR is not an absolute path"},
		{"s_burncpu.sh", "STATE_DIR=/nowhere at all", "STATE_DIR is not a folder: /nowhere at all"},
		{"s_burncpu.sh", "CMED_JOB=../x", "CMED_JOB has other characters than letters, digits, dots, dashes and underscores"},
		{"s_burncpu.sh", "CMED_JOB=" + strings.Repeat("x", 129), "CMED_JOB is longer than 128 characters"},
	} {
		t.Run(c.script+" "+c.variables[:min(len(c.variables), 40)], func(t *testing.T) {
			eachShell(t, func(t *testing.T, w *world) {
				r := w.start(c.script, append(slices.Clone(lasting[c.script]), c.variables)...)
				r.ends(2)
				name := strings.TrimSuffix(strings.TrimPrefix(c.script, "s_"), ".sh")
				if got, want := r.stderr.String(), name+": "+c.want+"\n"; got != want {
					t.Errorf("it says %q, want %q", got, want)
				}
				w.isClean()
				if calls := w.calls(); calls[0] != "" {
					t.Errorf("systemctl was called with %q", calls)
				}
			})
		})
	}
}

func TestNumbersTakeUnits(t *testing.T) {
	for variable, want := range map[string]string{
		"DURATION=1": "for 1s", "DURATION=010s": "for 10s", "DURATION=2m": "for 120s", "DURATION=1h": "for 3600s",
	} {
		t.Run(variable, func(t *testing.T) {
			eachShell(t, func(t *testing.T, w *world) {
				r := w.start("s_burncpu.sh", "CPUS=1", variable)
				if line := r.line(); !strings.HasSuffix(line, want+"\n") {
					t.Errorf("it says %q, want %q", line, want)
				}
				r.signal(syscall.SIGTERM)
				r.ends(143)
			})
		})
	}
}

func TestBurnCPUBurnsAsManyAsAsked(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		r := w.start("s_burncpu.sh", "CPUS=3", "DURATION=1h")
		r.line()
		if n := len(w.processes()); n < 4 { // with the script itself; it sleeps in one more
			t.Errorf("%d processes", n)
		}
		r.signal(syscall.SIGTERM)
		r.ends(143)
	})
}

func TestFillDisk(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		r := w.start("s_filldisk.sh", "SIZE=3M", "DURATION=1h")
		if line := r.line(); !strings.HasPrefix(line, "filldisk: filled 3 of ") {
			t.Errorf("it says %q", line)
		}
		file, err := os.Stat(filepath.Join(w.dir, "cmed-filldisk-"+w.job, "filling"))
		if err != nil || file.Size() != 3<<20 || file.Sys().(*syscall.Stat_t).Blocks*512 < 3<<20 {
			t.Errorf("the file: %+v, %v", file, err)
		}
		r.signal(syscall.SIGTERM)
		r.ends(143)
	})
}

// Where a file system can't give space at once, it is written.
func TestFillDiskWithoutFallocate(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		if err := os.Symlink("/bin/false", filepath.Join(w.units, "fallocate")); err != nil {
			t.Fatal(err)
		}
		r := w.start("s_filldisk.sh", "SIZE=65M", "DURATION=1h")
		r.line()
		file, err := os.Stat(filepath.Join(w.dir, "cmed-filldisk-"+w.job, "filling"))
		if err != nil || file.Size() != 65<<20 {
			t.Errorf("the file: %+v, %v", file, err)
		}
		r.signal(syscall.SIGTERM)
		r.ends(143)
		w.isClean()
	})
}

func TestFillDiskKeepsItsReserve(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		r := w.start("s_filldisk.sh", "SIZE=1M", "RESERVE=64T")
		r.ends(1)
		if !regexp.MustCompile(`^filldisk: only \d+ MiB are free in .*, and 67108864 MiB are to stay free\n$`).MatchString(r.stderr.String()) {
			t.Errorf("it says %q", r.stderr)
		}
		w.isClean()
		both := w.start("s_filldisk.sh", "SIZE=1M", "PERCENT=1")
		both.ends(2)
		if both.stderr.String() != "filldisk: SIZE and PERCENT are both given\n" {
			t.Errorf("it says %q", both.stderr)
		}
	})
}

func TestStopService(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		w.start("s_stop_service.sh", "UNIT=shop", "DURATION=1s").ends(0)
		want := []string{
			"show -p Id -- shop.service", "is-active -- shop.service", "--no-ask-password stop -- shop.service",
			"is-active -- shop.service", "--no-ask-password start -- shop.service",
		}
		if got := w.calls(); !slices.Equal(got, want) {
			t.Errorf("systemctl was called with %q, want %q", got, want)
		}
	})
}

func TestAnInactiveServiceIsLeftAlone(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		r := w.start("s_stop_service.sh", "UNIT=other.service")
		r.ends(1)
		if want := "stop_service: other.service is not active, so there is nothing to stop\n"; r.stderr.String() != want {
			t.Errorf("it says %q", r.stderr)
		}
		if got := w.calls(); !slices.Equal(got, []string{"show -p Id -- other.service", "is-active -- other.service"}) {
			t.Errorf("systemctl was called with %q", got)
		}
		w.isClean()
	})
}

// A service that is needed is needed under all its names.
func TestAServiceThatIsNeededByAnotherName(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		w.write(filepath.Join(w.units, "dbus-org.freedesktop.network1.service"), "")
		w.write(filepath.Join(w.units, "dbus-org.freedesktop.network1.service.alias"), "systemd-networkd.service\n")
		r := w.start("s_stop_service.sh", "UNIT=dbus-org.freedesktop.network1")
		r.ends(2)
		if want := "stop_service: systemd-networkd.service is needed to start it again, and is not stopped\n"; r.stderr.String() != want {
			t.Errorf("it says %q", r.stderr)
		}
		w.isClean()
	})
}

// A service that can't be started yet is started by a later undo.
func TestAServiceThatDoesNotStart(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		broken := filepath.Join(w.units, "broken")
		w.write(broken, "")
		w.start("s_stop_service.sh", "UNIT=shop", "DURATION=1s").ends(1)
		w.start("s_stop_service.sh", "CMED_UNDO=1").ends(1)
		if err := os.Remove(broken); err != nil {
			t.Fatal(err)
		}
		w.undo("s_stop_service.sh")
		w.isClean()
	})
}

func TestWhatIsNotItsOwnStays(t *testing.T) {
	eachShell(t, func(t *testing.T, w *world) {
		for _, script := range []string{"burnio", "filldisk"} {
			scratch := filepath.Join(w.dir, "cmed-"+script+"-"+w.job)
			w.write(scratch, "somebody's")
			w.start("s_"+script+".sh", append(lasting["s_"+script+".sh"], "DURATION=1s")...).ends(1)
			w.undo("s_" + script + ".sh")
			if text, err := os.ReadFile(scratch); err != nil || string(text) != "somebody's" {
				t.Errorf("%s: %q, %v", script, text, err)
			}
		}
	})
}

func TestAForeignStateFolderIsRefused(t *testing.T) {
	eachLasting(t, func(t *testing.T, w *world, script string, variables []string) {
		w.start(script, append(variables, "DURATION=1s", "STATE_DIR="+w.state+"/nowhere")...).ends(2)
		link := filepath.Join(w.state, "cmed-scripts-"+uid())
		if err := os.Symlink(w.dir, link); err != nil {
			t.Fatal(err)
		}
		w.start(script, append(variables, "DURATION=1s")...).ends(1)
		w.start(script, "CMED_UNDO=1").ends(1)
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
		w.isClean()
	})
}

// The part that all have in common is the same in all, so that a fault mended in
// one is mended in all.
func TestTheCommonPartIsTheSame(t *testing.T) {
	part := regexp.MustCompile(`(?s)# --- the same in all scripts ---\n.*# --- from here on this script's own ---\n`)
	function := regexp.MustCompile(`(?m)^[a-z_]+\(\)`)
	var first string
	own := map[string]string{"take_back()": "each", "burn()": "each"}
	for script := range lasting {
		text, err := os.ReadFile(filepath.Join("script_attacks", script))
		if err != nil {
			t.Fatal(err)
		}
		common := part.FindString(string(text))
		if common == "" || first != "" && common != first {
			t.Errorf("%s has another common part, of %d bytes", script, len(common))
		}
		first = common
		for _, name := range function.FindAllString(string(text[len(common)+strings.Index(string(text), common):]), -1) {
			if other := own[name]; other != "" && other != "each" {
				t.Errorf("%s of %s is in %s too", name, script, other)
			} else if other == "" {
				own[name] = script
			}
		}
	}
}

// Every variable that a script reads is described in its head, and the file can
// be executed.
func TestHeadsAreComplete(t *testing.T) {
	files, err := filepath.Glob("script_attacks/*.sh")
	if err != nil || len(files) != len(lasting)+1 {
		t.Fatalf("scripts %v, %v", files, err)
	}
	read := regexp.MustCompile(`\$\{([A-Z_]+):-`)
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm()&0o111 == 0 {
			t.Errorf("%s: %v, %v", file, info.Mode(), err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(text), "\nname=")
		for _, found := range read.FindAllStringSubmatch(body, -1) {
			if !regexp.MustCompile(`(?m)^# .*\b` + found[1] + `\b`).MatchString(head) {
				t.Errorf("%s reads %s, which its head doesn't describe", file, found[1])
			}
		}
	}
}
