package record_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/hellobench/hellobench/internal/record"
)

func TestPlainLevels(t *testing.T) {
	for label, want := range map[string]string{
		"c=1":                        "1 connection",
		"c=10000":                    "10,000 connections",
		"r=500/s":                    "500 requests/s",
		"r=2500/s idle=10000":        "2,500 requests/s with 10,000 idle connections",
		"c=1024 against c=64":        "1,024 against 64 connections",
		"50% of capacity":            "50% of capacity",
		"largest rate under the SLO": "largest rate under the SLO",
	} {
		assert.Equal(t, want, record.PlainLevel(label))
	}
	assert.Equal(t, "1, 16 and 1,024 connections", record.PlainLevels([]string{"c=1", "c=16", "c=1024"}))
	assert.Equal(t, "500 and 1,000 requests/s", record.PlainLevels([]string{"r=500/s", "r=1000/s"}))
	assert.Equal(t, "64 connections", record.PlainLevels([]string{"c=64"}))
	assert.Equal(t, "256 against 64 connections, start", record.PlainLevels([]string{"c=256 against c=64", "start"}))
}
