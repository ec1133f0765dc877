package yamlfile

import "strings"

// DidYouMean is the end of a message about a word that nobody knows:
// `; did you mean "workers"?`, or nothing where no known word is near.
func DidYouMean(word string, known []string) string {
	best, least := "", 1+max(1, min(3, len(word)/3)) // more typing mistakes than that make another word
	for _, k := range known {
		if d := distance(word, k); d > 0 && d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return `; did you mean "` + best + `"?`
}

// List names words in a sentence: "a, b and c", or with another word before the last.
func List(words []string, word string) string {
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + word + " " + words[last]
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbors that make b of a (optimal string alignment, Damerau 1964).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last := make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := range x {
		row := make([]int, len(y)+1)
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(y)]
}
