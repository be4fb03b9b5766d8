# The medians as a table for gnuplot: a workload a line, a shape a column, this
# engine's rate over the better of RocksDB and LevelDB.

BEGIN { FS = "," }

NR == 1 {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	next
}

{
	shape = $column["shape"]
	workload = $column["workload"]
	if (!(shape in seen_shape)) {
		seen_shape[shape] = 1
		shapes[++shape_count] = shape
	}
	if (!(workload in seen)) {
		seen[workload] = 1
		workloads[++workload_count] = workload
	}
	rate[shape, workload, $column["engine"]] = $column["ops_s"]
}

function ratio(shape, workload,    best, l) {
	best = rate[shape, workload, "rocksdb"] + 0
	l = rate[shape, workload, "leveldb"] + 0
	if (l > best)
		best = l
	return best > 0 && rate[shape, workload, "keyfs"] > 0 ? \
		sprintf("%.3f", rate[shape, workload, "keyfs"] / best) : "-"
}

END {
	head = "workload"
	for (s = 1; s <= shape_count; s++)
		head = head "\t" shapes[s]
	for (w = 1; w <= workload_count; w++) {
		line = ""
		any = 0
		if (workloads[w] ~ /-(device|turns)$/)
			continue
		for (s = 1; s <= shape_count; s++) {
			r = ratio(shapes[s], workloads[w])
			any += r != "-"
			line = line "\t" r
		}
		if (!any)
			continue
		if (head)
			print head
		head = ""
		print workloads[w] line
	}
}
