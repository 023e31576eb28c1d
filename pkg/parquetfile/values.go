package parquetfile

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// nameOf is the path of a column without what lists are made of.
func nameOf(c *parquet.Column) string {
	path := slices.Clone(c.Path())
	if c.MaxRepetitionLevel() > 0 {
		kept := path[:0]
		for i, part := range path {
			if i > 0 && slices.Contains([]string{"list", "element", "item", "array", "bag", "array_element", "key_value"}, part) {
				continue
			}
			kept = append(kept, part)
		}
		path = kept
	}
	return strings.Join(path, ".")
}

// typeOf is the type of a column in words: the logical one where there is one.
func typeOf(c *parquet.Column) string {
	text := strings.ToLower(c.Type().Kind().String())
	switch c.Type().Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		text = "bytes"
	default:
	}
	if l := c.Type().LogicalType(); l != nil && l.Value != nil {
		switch l := l.Value.(type) {
		case *format.IntType:
			text = fmt.Sprintf("int%d", l.BitWidth)
			if !l.IsSigned {
				text = "u" + text
			}
		case *format.DecimalType:
			text = fmt.Sprintf("decimal(%d, %d)", l.Precision, l.Scale)
		case *format.TimestampType:
			text = "timestamp"
		case *format.TimeType:
			text = "time"
		default:
			text = strings.ToLower(l.String())
		}
	}
	if c.MaxRepetitionLevel() > 0 {
		text = strings.Repeat("list of ", c.MaxRepetitionLevel()) + text
	}
	return text
}

func isNumber(c *parquet.Column) bool {
	if c.MaxRepetitionLevel() > 0 {
		return false
	}
	switch c.Type().Kind() {
	case parquet.Float, parquet.Double:
		return true
	case parquet.Int32, parquet.Int64:
		l := c.Type().LogicalType()
		if l == nil || l.Value == nil {
			return true
		}
		if _, ok := l.Value.(*format.IntType); ok {
			return true
		}
	default:
	}
	if l := c.Type().LogicalType(); l != nil {
		switch l.Value.(type) {
		case *format.DecimalType, *format.Float16Type:
			return true
		}
	}
	return false
}

// shower writes values of a column as people write them.
func shower(c *parquet.Column) func(parquet.Value) string {
	var logical format.LogicalTypeValue
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.DateType:
		return func(v parquet.Value) string { return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly) }
	case *format.TimestampType:
		return func(v parquet.Value) string { return instant(v.Int64(), int64(unit(l.Unit)), l.IsAdjustedToUTC) }
	case *format.TimeType:
		return func(v parquet.Value) string {
			n := v.Int64()
			if c.Type().Kind() == parquet.Int32 {
				n = int64(v.Int32())
			}
			return time.Unix(0, 0).UTC().Add(time.Duration(n) * unit(l.Unit)).Format("15:04:05.999999999")
		}
	case *format.DecimalType:
		return func(v parquet.Value) string { return decimal(v, int(l.Scale)) }
	case *format.IntType:
		if !l.IsSigned {
			return func(v parquet.Value) string {
				if c.Type().Kind() == parquet.Int32 {
					return strconv.FormatUint(uint64(v.Uint32()), 10)
				}
				return strconv.FormatUint(v.Uint64(), 10)
			}
		}
	case *format.Float16Type:
		return func(v parquet.Value) string {
			b := v.ByteArray()
			if len(b) != 2 {
				return bytesText(b)
			}
			return strconv.FormatFloat(half(uint16(b[0])|uint16(b[1])<<8), 'g', 4, 64)
		}
	case *format.UUIDType:
		return func(v parquet.Value) string {
			b := v.ByteArray()
			if len(b) != 16 {
				return bytesText(b)
			}
			return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
		}
	}
	switch c.Type().Kind() {
	case parquet.ByteArray, parquet.FixedLenByteArray:
		return func(v parquet.Value) string { return bytesText(v.ByteArray()) }
	case parquet.Float:
		return func(v parquet.Value) string { return shortest(float64(v.Float()), 32) }
	case parquet.Double:
		return func(v parquet.Value) string { return shortest(v.Double(), 64) }
	case parquet.Int96:
		return func(v parquet.Value) string { // nanoseconds of a Julian day, as old writers have times
			n := v.Int96()
			return instant((int64(n[2])-2440588)*86400+int64(uint64(n[1])<<32|uint64(n[0]))/1e9, int64(time.Second), true)
		}
	default:
		return parquet.Value.String
	}
}

// shortest writes a number exactly when that is short, and with eight digits
// when it is not.
func shortest(f float64, bits int) string {
	if text := strconv.FormatFloat(f, 'g', -1, bits); len(text) <= 10 {
		return text
	}
	return strconv.FormatFloat(f, 'g', 8, bits)
}

func unit(u format.TimeUnit) time.Duration {
	switch u.Value.(type) {
	case *format.MilliSeconds:
		return time.Millisecond
	case *format.MicroSeconds:
		return time.Microsecond
	}
	return time.Nanosecond
}

func instant(n, unit int64, utc bool) string {
	per := int64(time.Second) / unit
	text := time.Unix(n/per, n%per*unit).UTC().Format("2006-01-02 15:04:05.999999999")
	if utc {
		text += "Z"
	}
	return text
}

// half is a number of 16 bits.
func half(bits uint16) float64 {
	sign, exponent, fraction := 1.0, int(bits>>10&31), float64(bits&1023)/1024
	if bits>>15 == 1 {
		sign = -1
	}
	switch {
	case exponent == 31 && fraction == 0:
		return math.Inf(int(sign))
	case exponent == 31:
		return math.NaN()
	case exponent == 0:
		return sign * math.Ldexp(fraction, -14)
	}
	return sign * math.Ldexp(1+fraction, exponent-15)
}

func decimal(v parquet.Value, scale int) string {
	n := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		n.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		n.SetInt64(v.Int64())
	default:
		b := v.ByteArray()
		if len(b) > 64 {
			return bytesText(b)
		}
		n.SetBytes(b)
		if len(b) > 0 && b[0] >= 0x80 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(b))*8))
		}
	}
	if scale <= 0 || scale > 200 {
		return n.String()
	}
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Abs(n)
	}
	digits := n.String()
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// maxCell is how many bytes of a value are shown.
const maxCell = 300

func bytesText(b []byte) string {
	if len(b) > maxCell && utf8.Valid(b[:maxCell-4]) {
		return strings.ToValidUTF8(string(b[:maxCell]), "") + "…"
	}
	if utf8.Valid(b) && !slices.Contains(b, 0) {
		return string(b)
	}
	if len(b) <= 16 {
		return "0x" + hex.EncodeToString(b)
	}
	return fmt.Sprintf("0x%s… %d bytes", hex.EncodeToString(b[:8]), len(b))
}
