package record

import "cmp"

// ByLoad orders levels as people read them: closed loops first, then open ones,
// those beside idle connections and those of an arm's own capacity; each kind by its load.
func ByLoad(a, b Level) int {
	kind := func(l Level) int {
		switch {
		case l.SLO:
			return 4
		case l.OfCapacity():
			return 3
		case l.Idle > 0:
			return 2
		case l.Open():
			return 1
		}
		return 0
	}
	return cmp.Or(kind(a)-kind(b), cmp.Compare(a.Idle, b.Idle), cmp.Compare(a.Rate, b.Rate), cmp.Compare(a.Share, b.Share), cmp.Compare(a.Connections, b.Connections))
}
