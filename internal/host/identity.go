package host

import (
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"strings"
)

// Identity has the plugins of some refs run as another user, with one group and
// no supplementary ones. Only root can have them do so.
type Identity struct {
	// Ref is a glob over refs, as path.Match reads it. Of several that match a
	// ref the first counts.
	Ref string
	// User is its name, for people.
	User     string
	UID, GID uint32
}

// ParseIdentity reads "ref-glob=user[:group]"; both are names or numbers. The
// error says so when there is no such user or group, or it is root.
func ParseIdentity(s string) (Identity, error) {
	ref, who, ok := strings.Cut(s, "=")
	if !ok || who == "" {
		return Identity{}, fmt.Errorf("%q is not of the form ref=user or ref=user:group", s)
	}
	if err := checkGlob(ref); err != nil {
		return Identity{}, err
	}
	name, group, grouped := strings.Cut(who, ":")
	i := Identity{Ref: ref, User: name}
	if err := i.lookUser(name, grouped); err != nil {
		return Identity{}, err
	}
	if grouped {
		gid, err := lookGroup(group)
		if err != nil {
			return Identity{}, err
		}
		i.GID = gid
	}
	if i.UID == 0 || i.GID == 0 {
		return Identity{}, fmt.Errorf("%q is root: a plugin is to run as somebody with fewer rights", who)
	}
	return i, nil
}

// lookUser fills in the user and its own group. A number needs no entry among
// the users if the group is given.
func (i *Identity) lookUser(name string, grouped bool) error {
	u, err := user.Lookup(name)
	if n, numeric := number(name); err != nil && numeric {
		if u, err = user.LookupId(name); err != nil && grouped {
			i.UID = n
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("%q is no user of this machine", name)
	}
	uid, okUID := number(u.Uid)
	gid, okGID := number(u.Gid)
	if !okUID || !okGID {
		return errors.New("users of this system have no numbers")
	}
	i.UID, i.GID = uid, gid
	return nil
}

func lookGroup(name string) (uint32, error) {
	if n, ok := number(name); ok {
		return n, nil
	}
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, fmt.Errorf("%q is no group of this machine", name)
	}
	n, ok := number(g.Gid)
	if !ok {
		return 0, errors.New("groups of this system have no numbers")
	}
	return n, nil
}

func number(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}
