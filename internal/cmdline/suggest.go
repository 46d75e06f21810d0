package cmdline

// Suggest names the candidate that is nearest to what was typed, if one is near enough to be meant: " (did you mean
// x?)".
func Suggest(typed string, candidates []string) string {
	best, least := "", len(typed)/3+2
	for _, c := range candidates {
		if d := editDistance(typed, c); d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// editDistance counts the bytes to insert, remove, replace or swap with their neighbour to get from a to b.
func editDistance(a, b string) int {
	if len(a) > 64 { // nothing that is meant
		return len(a)
	}
	var before []int // the row two above
	above := make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := above[j-1]
			if a[i-1] != b[j-1] {
				replace++
			}
			row[j] = min(above[j]+1, row[j-1]+1, replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
