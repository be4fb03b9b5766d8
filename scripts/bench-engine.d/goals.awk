# What was promised against the medians, met or missed.  A goal that needs a row
# or an engine that is not there is left out.

BEGIN {
	FS = ","
	ours = "keyfs"
}

NR == 1 {
	for (i = 1; i <= NF; i++)
		column[$i] = i
	next
}

{
	shape = $column["shape"]
	workload = $column["workload"]
	if (!(shape in seen)) {
		seen[shape] = 1
		shapes[++shape_count] = shape
	}
	if (!((shape, workload) in seen_workload)) {
		seen_workload[shape, workload] = 1
		workloads[shape, ++workload_count[shape]] = workload
	}
	for (name in column)
		v[shape, workload, $column["engine"], name] = $column[name]
}

function has(shape, workload, engine) {
	return v[shape, workload, engine, "ops_s"] > 0
}

function rate(shape, workload, engine) {
	return v[shape, workload, engine, "ops_s"]
}

# The rate of the better of the two; 0 if neither is there.
function better(shape, workload,    r, l) {
	r = rate(shape, workload, "rocksdb") + 0
	l = rate(shape, workload, "leveldb") + 0
	return r > l ? r : l
}

function print_goal(what, shape, measured, bound, met) {
	printf "| %s | %s | %s | %s | %s |\n", what, shape, measured, bound,
		met ? "met" : "**missed**"
	met ? met_count++ : missed_count++
}

function at_least(what, shape, measured, bound) {
	print_goal(what, shape, sprintf("%.2f", measured), "at least " bound,
		measured >= bound)
}

function at_most(what, shape, measured, bound) {
	print_goal(what, shape, sprintf("%.2f", measured),
		"at most " sprintf("%.2f", bound), measured <= bound)
}

function over_better(shape, workload, factor,    best) {
	best = better(shape, workload)
	if (has(shape, workload, ours) && best > 0)
		at_least(workload " over the better of RocksDB and LevelDB",
			shape, rate(shape, workload, ours) / best, factor)
}

function over_one(shape, workload, engine, factor) {
	if (has(shape, workload, ours) && has(shape, workload, engine))
		at_least(workload " over " engine, shape,
			rate(shape, workload, ours) / \
			rate(shape, workload, engine), factor)
}

# By turns with the device: it is not the same from one second to the next.
function durable(shape,    device) {
	device = has(shape, "fillsync-device", ours) ? \
		v[shape, "fillsync-device", ours, "p50_us"] : 0
	if (has(shape, "fillsync-turns", ours) && device > 0)
		at_most("fillsync, p50 us, by turns with the device: its " \
			device " + 5", shape,
			v[shape, "fillsync-turns", ours, "p50_us"], device + 5)
	over_better(shape, "fillsync8", 1.5)
}

function ratio(shape, workload, engine, a, b,    below) {
	below = v[shape, workload, engine, b]
	return below > 0 ? v[shape, workload, engine, a] / below : 0
}

function amplification(shape,    w) {
	w = "overwrite5x"
	if (shape == "4k" && has(shape, "fillrandom", ours))
		at_most("fillrandom, written over given", shape,
			ratio(shape, "fillrandom", ours, "written_bytes",
				"given_bytes"), 1.2)
	if (shape == "4k" || !has(shape, w, ours))
		return
	if (has(shape, w, "rocksdb"))
		at_most(w ", written over given, RocksDB's", shape,
			ratio(shape, w, ours, "written_bytes", "given_bytes"),
			ratio(shape, w, "rocksdb", "written_bytes",
				"given_bytes"))
	at_most(w ", store over live data", shape,
		ratio(shape, w, ours, "store_bytes", "live_bytes"), 1.15)
}

function tombstones(shape, suffix,    w, c) {
	w = "listdeleted" suffix
	c = "listclean" suffix
	if (has(shape, w, ours) && has(shape, c, ours))
		at_most(w " over " c ", p50", shape,
			v[shape, w, ours, "p50_us"] / v[shape, c, ours, "p50_us"],
			2)
}

# In every row that both have; names those where it is not so.
function below_rocksdb(shape, name, what,    i, w, worst, where, n, a, b) {
	for (i = 1; i <= workload_count[shape]; i++) {
		w = workloads[shape, i]
		if (w ~ /-(device|turns)$/ || !has(shape, w, ours) || \
		    !has(shape, w, "rocksdb"))
			continue
		n++
		a = v[shape, w, ours, name]
		b = v[shape, w, "rocksdb", name]
		if (b > 0 && a / b > worst)
			worst = a / b
		if (a > b)
			where = where (where ? ", " : "") w
	}
	if (n)
		print_goal(what " over RocksDB's, the worst row" \
			(where ? "; above it: " where : ""), shape,
			sprintf("%.2f", worst), "at most 1", !where)
}

function highest(shape, engine, what,    i, w, peak) {
	for (i = 1; i <= workload_count[shape]; i++) {
		w = workloads[shape, i]
		if (v[shape, w, engine, what] + 0 > peak)
			peak = v[shape, w, engine, what] + 0
	}
	return peak / 1048576
}

function memory(shape, what, name) {
	if (highest(shape, "rocksdb", what) > 0 && highest(shape, ours, what) > 0)
		at_most("peak " name ", MiB, RocksDB's", shape,
			highest(shape, ours, what),
			highest(shape, "rocksdb", what))
}

function goals_of(shape,    i, list, n, load) {
	load = shape == "4k" ? 2 : 0
	n = split("fillseq fillrandom fillbatch", list, " ")
	for (i = 1; i <= n; i++)
		if (load)
			over_one(shape, list[i], "rocksdb", load)
		else
			over_better(shape, list[i], 1.5)
	over_better(shape, "overwrite", 1.5)
	over_better(shape, "deleterandom", 1.5)
	durable(shape)
	over_better(shape, "readrandom", 1.5)
	over_one(shape, "readcached", "lmdb", 0.8)
	over_one(shape, "readmissing", "rocksdb", 2)
	over_better(shape, "readseq", 1.5)
	over_better(shape, "seek10", 1.5)
	over_better(shape, "readwhilewriting-r", 1.5)
	over_better(shape, "readwhilewriting-w", 1.5)
	amplification(shape)
	tombstones(shape, "")
	tombstones(shape, "-flushed")
	below_rocksdb(shape, "cpu_us_op", "CPU an operation")
	memory(shape, "anon_peak", "private memory")
	memory(shape, "resident_peak", "memory with mapped files")
}

END {
	print "\n### Goals\n"
	print "| goal | shape | measured | bound | |"
	print "|---|---|---:|---:|---|"
	for (s = 1; s <= shape_count; s++)
		goals_of(shapes[s])
	printf "\n%d met, %d missed.\n", met_count, missed_count
}
