package record

import (
	"cmp"
	"slices"
	"time"
)

// distributions are the four of a measurement.
func (m *Measurement) distributions() [4]**Distribution {
	return [4]**Distribution{&m.Latency, &m.Service, &m.Slip, &m.FirstByte}
}

// MergeDistributions gives m the distributions of several measurements as one: what all
// of them recorded, each histogram once. freeze is Histogram.Distribution or, where the
// histogram itself is not needed, Histogram.Summary.
func (m *Measurement) MergeDistributions(parts []*Measurement, freeze func(*Histogram) *Distribution) error {
	pieces := slices.ContainsFunc(parts, func(p *Measurement) bool { return p.FirstByte != nil })
	for k, into := range m.distributions() {
		var all *Histogram
		for _, p := range parts {
			d := *p.distributions()[k]
			if into == &m.FirstByte { // it is not recorded where it is the latency
				if d = cmp.Or(d, p.Latency); !pieces {
					d = nil
				}
			}
			if d == nil || d.Count == 0 {
				continue
			}
			h, err := d.Histogram()
			if err != nil {
				return err
			}
			if all == nil {
				all = h
			} else {
				all.Merge(h)
			}
		}
		*into = nil
		if all != nil {
			*into = freeze(all)
		} else if into == &m.Latency {
			*into = &Distribution{}
		}
	}
	return nil
}

// Together is what several generators that shared one window measured. A bin's median is
// the mean of theirs, by what each completed. There is at least one.
func Together(parts []*Measurement) (*Measurement, error) {
	if len(parts) == 1 {
		return parts[0], nil
	}
	m := &Measurement{Engine: parts[0].Engine, Duration: parts[0].Duration, LeadIn: parts[0].LeadIn}
	accepted := true
	for _, p := range parts {
		m.Connections += p.Connections
		m.Established += p.Established
		accepted = accepted && p.Accepted > 0
		m.Accepted = max(m.Accepted, p.Accepted)
		m.Offered += p.Offered
		m.count(p)
		m.Stalled = max(m.Stalled, p.Stalled) // of one window, in parts of the same time
		m.addBins(p.Bins)
	}
	if !accepted {
		m.Accepted = 0
	}
	return m, m.MergeDistributions(parts, (*Histogram).Distribution)
}

func (m *Measurement) addBins(bins []Bin) {
	for i, b := range bins {
		if i == len(m.Bins) {
			m.Bins = append(m.Bins, b)
			continue
		}
		into := &m.Bins[i]
		if n := into.OK + b.OK; n > 0 {
			into.P50 = time.Duration((float64(into.P50)*float64(into.OK) + float64(b.P50)*float64(b.OK)) / float64(n))
		}
		into.OK += b.OK
	}
}
