package track

import (
	"cmp"
	"math"
)

// Add brings the summary up to date with one more point. The last point is
// the one of the highest step, then timestamp, then value; NaN is the least
// value, and is neither minimum nor maximum.
func (s *Summary) Add(m Metric) {
	first := s.Count == 0
	s.Count++
	v := Value(m.Value)
	if first || cmp.Or(cmp.Compare(m.Step, s.Step), cmp.Compare(m.Timestamp, s.Timestamp), cmp.Compare(v, s.Value)) >= 0 {
		s.Step, s.Timestamp, s.Value = m.Step, m.Timestamp, v
	}
	if first {
		s.Min, s.Max = v, v
	}
	if math.IsNaN(m.Value) {
		return
	}
	if math.IsNaN(float64(s.Min)) || v < s.Min {
		s.Min = v
	}
	if math.IsNaN(float64(s.Max)) || v > s.Max {
		s.Max = v
	}
}

// Summarise is the summary of points in any order.
func Summarise(points []Metric) Summary {
	var s Summary
	for _, m := range points {
		s.Key = m.Key
		s.Add(m)
	}
	return s
}
