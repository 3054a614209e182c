package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaos-monkey-engine/cmed/internal/client"
	"github.com/chaos-monkey-engine/cmed/internal/screen"
)

const keyLong = `Keys open the daemon to people and programs: viewer reads; operator plans, moves
and halts; admin also deletes, gives undos up, releases the lever and manages keys.
As long as no key was ever made, callers on the daemon's machine need none.`

// newKey is the parent of what concerns API keys.
func newKey(p program) *cobra.Command {
	return parent("key", "Make, show and revoke API keys", keyLong, newKeyCreate(p), newKeyList(p), newKeyRevoke(p))
}

const keyCreateLong = `Makes an API key and shows it, this once: the daemon keeps only its hash. The key
alone goes to standard output, or with --write to a file that only you can read.

NAME says who or what the key is for; without it, who makes it.

With --ref and --label the key can plan, move and halt only what matches.

Exit codes: 0 made, 1 refused or the daemon can't be reached, 2 wrong flag.`

// keyMaking is one call of cmed key create.
type keyMaking struct {
	*remote
	want client.NewKey
	file string // to write the key to; "": standard output
}

func newKeyCreate(p program) *cobra.Command {
	k := &keyMaking{}
	cmd := &cobra.Command{
		Use:   "create [NAME] --role viewer|operator|admin",
		Short: "Make an API key and show it once",
		Long:  keyCreateLong,
		Args:  atMostOne("a name for the key: who or what it is for"),
	}
	flags := cmd.Flags()
	flags.StringVar(&k.want.Role, "role", "", "what it may do: viewer, operator or admin")
	flags.StringVar(&k.want.TTL, "ttl", "", "how long it is good, such as 720h or 30d (default: until it is revoked)")
	flags.StringArrayVar(&k.want.Limits.Refs, "ref", nil, "only attacks that match this `pattern`, such as 'kill_*:*'; may be repeated")
	flags.StringToStringVar(&k.want.Limits.Labels, "label", nil, "only plans with this `name=value` label; may be repeated")
	flags.StringVar(&k.file, "write", "", "write the key to a new `file`, which only you can read")
	k.remote = newRemote(cmd, p, "text")
	roles := []string{"viewer", "operator", "admin"}
	complete := cobra.FixedCompletions(roles, cobra.ShellCompDirectiveNoFileComp)
	_ = cmd.RegisterFlagCompletionFunc("role", complete) // it has that flag
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if k.want.Role == "" {
			return usagef("--role is missing: viewer, operator or admin")
		}
		if !slices.Contains(roles, k.want.Role) {
			return usagef("--role: %q is none of viewer, operator and admin", printable(k.want.Role))
		}
		if err := checkTTL(k.want.TTL); err != nil {
			return err
		}
		k.want.Name = whoAmI()
		if len(args) > 0 {
			k.want.Name = args[0]
		}
		return k.run(cmd.Context(), k.create)
	}
	return cmd
}

func (k *keyMaking) create(ctx context.Context, c *client.Client) (err error) {
	var file *os.File
	if k.file != "" { // before there is a key that nobody would see
		file, err = os.OpenFile(k.file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return usagef("--write: %w", err)
		}
		defer func() {
			err = errors.Join(err, file.Close())
			if err != nil {
				err = errors.Join(err, os.Remove(k.file))
			}
		}()
	}
	key, err := c.CreateKey(ctx, k.want)
	if client.MayBeDone(err) {
		return fmt.Errorf("%w\nA key may have been made all the same, and nobody has it: "+
			"cmed key list shows it, cmed key revoke ID ends it", err)
	}
	if err != nil {
		return err
	}
	if key.Secret == "" {
		return fmt.Errorf("the daemon made key %s, but did not show it: revoke it", printable(key.ID))
	}
	k.warn(key.Warnings)
	if err := k.hand(key, file); err != nil {
		return fmt.Errorf("key %s is made, but could not be shown: revoke it: %w", printable(key.ID), err)
	}
	return nil
}

// hand hands the key out.
func (k *keyMaking) hand(key client.Key, file *os.File) error {
	if file != nil {
		if _, err := fmt.Fprintln(file, key.Secret); err != nil {
			return err
		}
		if err := file.Sync(); err != nil {
			return err
		}
	}
	switch {
	case k.forPrograms() && file == nil:
		return k.write(key.Raw)
	case k.forPrograms():
		return k.write(withoutMember(key.Raw, "key"))
	}
	fmt.Fprintf(k.stderr, "key %s: %s\n", printable(key.ID), keyWords(key, time.Now()))
	if file != nil {
		_, err := fmt.Fprintf(k.stderr, "it is in %s; call the daemon with --key-file %s\n", printable(k.file), printable(k.file))
		return err
	}
	fmt.Fprintln(k.stderr, "it is shown this once; keep it where others can't read it:")
	_, err := fmt.Fprintln(k.stdout, printable(key.Secret))
	return err
}

// withoutMember is a document without one of its members.
func withoutMember(raw json.RawMessage, name string) any {
	var doc map[string]json.RawMessage
	if json.Unmarshal(raw, &doc) != nil {
		return struct{}{}
	}
	delete(doc, name)
	return doc
}

// keyWords tell what a key may do, and how long.
func keyWords(k client.Key, now time.Time) string {
	words := fmt.Sprintf("%q, role %s", k.Name, printable(k.Role))
	if limits := limitsWords(k.Limits); limits != "" {
		words += ", only " + printable(limits)
	}
	if k.Expires.IsZero() {
		return words + ", until it is revoked"
	}
	return words + ", until " + screen.Instant(k.Expires, now)
}

func limitsWords(l client.Limits) string {
	words := l.Refs
	if len(l.Labels) > 0 {
		words = append(slices.Clip(words), labelWords(l.Labels))
	}
	return strings.Join(words, ", ")
}

func newKeyList(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "Show the API keys that are live", Args: noArguments}
	all := cmd.Flags().Bool("all", false, "show those that have expired or were revoked too")
	r := newRemote(cmd, p, "table")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			keys, err := c.Keys(ctx)
			if err != nil {
				return err
			}
			shown := make([]client.Key, 0, len(keys))
			for _, k := range keys {
				if k.Live || *all {
					shown = append(shown, k)
				}
			}
			if r.forPrograms() {
				return r.write(map[string]any{"keys": raws(shown, func(k client.Key) json.RawMessage { return k.Raw })})
			}
			return r.table(keyTable(shown, time.Now()), "no keys")
		})
	}
	return cmd
}

func keyTable(keys []client.Key, now time.Time) *screen.Table {
	table := screen.NewTable("ID", "NAME", "ROLE", "STATE", "EXPIRES", "CREATED", "BY", "ONLY")
	for _, k := range keys {
		state := "live"
		switch {
		case !k.Revoked.IsZero():
			state = "revoked"
		case !k.Live:
			state = "expired"
		}
		expires := "never"
		if !k.Expires.IsZero() {
			expires = screen.Instant(k.Expires, now)
		}
		table.Row(k.ID, k.Name, k.Role, state, expires, screen.Instant(k.Created, now), k.By, limitsWords(k.Limits))
	}
	return table
}

func newKeyRevoke(p program) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revoke ID",
		Short: "Make a key open nothing from now on",
		Args:  oneArgument("the id of a key"),
	}
	r := newRemote(cmd, p, "text")
	cmd.ValidArgsFunction = r.complete(keyIDs)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return r.run(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			key, err := c.RevokeKey(ctx, args[0])
			if err != nil {
				return err
			}
			r.warn(key.Warnings)
			if r.forPrograms() {
				return r.write(key.Raw)
			}
			r.say("key %s (%q) is revoked", printable(key.ID), key.Name)
			return nil
		})
	}
	return cmd
}
