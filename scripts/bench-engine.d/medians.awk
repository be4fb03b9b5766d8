# Rows of rounds to one row with the median of each column; the columns are those
# of bench_engine with `round` taken away.

BEGIN {
	FS = OFS = ","
	# Columns that name a row.
	names = 4
}

NR == 1 {
	sub(/^round,/, "")
	print
	columns = split($0, unused, ",")
	next
}

{
	key = $2 OFS $3 OFS $4 OFS $5
	if (!(key in count))
		order[++keys] = key
	n = ++count[key]
	for (c = names + 1; c <= columns; c++)
		value[key, c, n] = $(c + 1)
}

# The middle one, the mean of the two in the middle.
function median(key, c, n,    i, j, x, sorted) {
	for (i = 1; i <= n; i++) {
		x = value[key, c, i]
		for (j = i - 1; j > 0 && sorted[j] + 0 > x + 0; j--)
			sorted[j + 1] = sorted[j]
		sorted[j + 1] = x
	}
	if (n % 2)
		return sorted[(n + 1) / 2]
	return (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}

END {
	for (k = 1; k <= keys; k++) {
		row = order[k]
		for (c = names + 1; c <= columns; c++)
			row = row OFS median(order[k], c, count[order[k]])
		print row
	}
}
