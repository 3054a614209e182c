package remote

import (
	"crypto/rand"
	"embed"
	"maps"
	"slices"
	"strings"
)

//go:embed programs/*.sh
var programFiles embed.FS

// variable is one assignment at the head of a program.
type variable struct{ name, value string }

// program returns the shell program made of the variables and the files, one
// after the other. It is one compound command: a shell reads all of it before it
// does any of it, so that half a program, after a broken connection, does
// nothing.
func program(vars []variable, files ...string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, v := range vars {
		b.WriteString(v.name + "=" + quote(v.value) + "\n")
	}
	for _, file := range files {
		text, err := programFiles.ReadFile("programs/" + file + ".sh")
		if err != nil {
			panic(err) // a name misspelt in this package
		}
		b.Write(text)
	}
	b.WriteString("exit\n}\n")
	return b.String()
}

// newMark returns a line that no output holds by chance. It parts what a program
// says from what the machine's login scripts say.
func newMark() string { return "@cmed-" + rand.Text() }

// proc is where Linux keeps its processes; on machines that have no such folder
// the programs ask ps.
var proc = "/proc"

// common are the variables that every program of a job needs.
func (j Job) common(mark string) []variable {
	return []variable{
		{"mark", mark},
		{"key", j.Key},
		{"path", j.Path},
		{"proc", proc},
		{"sudo", map[bool]string{true: "yes", false: "no"}[j.Sudo]},
	}
}

// runProgram returns the program that runs the job. It is three shells deep: one
// as the user who logs in, one as root for a job with sudo, and one in the job's
// own session, which becomes the script. The environment goes down with the
// programs, from standard input to standard input.
func (j Job) runProgram(mark string) string {
	common := j.common(mark)
	enter := strings.TrimSuffix(program(common, "process", "enter"), "exit\n}\n") + j.become(mark) + "}\n"
	starter := program(append(common, variable{"enter", enter}), "start")
	return program(append(common, variable{"starter", starter}), "folder", "run")
}

// become is the end of the innermost program. The marks come last: what a shell
// has to say of a variable isn't the script's output. They are written out,
// because a variable of the job may have the name of any of the program's own.
func (j Job) become(mark string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(j.Env)) {
		b.WriteString("export " + name + "=" + quote(j.Env[name]) + "\n")
	}
	b.WriteString("set --")
	for _, arg := range j.Args {
		b.WriteString(" " + quote(arg))
	}
	b.WriteString("\nprintf '\\n%s\\n' " + mark + "\nprintf '\\n%s\\n' " + mark + " >&2\n")
	b.WriteString("exec " + quote(j.Path) + ` "$@" </dev/null` + "\n")
	return b.String()
}
