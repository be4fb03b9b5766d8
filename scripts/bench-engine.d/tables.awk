# The medians as tables: what this engine does over what each other does, what a
# row costs, and what a mass delete leaves.

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
	engine = $column["engine"]
	workload = $column["workload"]
	if (!(shape in seen_shape)) {
		seen_shape[shape] = 1
		shapes[++shape_count] = shape
	}
	if (!(engine in seen_engine)) {
		seen_engine[engine] = 1
		engines[++engine_count] = engine
	}
	if (!((shape, workload) in seen)) {
		seen[shape, workload] = 1
		workloads[shape, ++workload_count[shape]] = workload
	}
	for (name in column)
		v[shape, workload, engine, name] = $column[name]
}

function has(shape, workload, engine) {
	return v[shape, workload, engine, "ops_s"] > 0
}

function human(n) {
	return n >= 1e6 ? sprintf("%.2f M", n / 1e6) : \
		n >= 1e4 ? sprintf("%.0f k", n / 1e3) : \
		n >= 1e3 ? sprintf("%.1f k", n / 1e3) : sprintf("%.0f", n)
}

function over(a, b) {
	return b > 0 ? sprintf("%.2f", a / b) : "-"
}

# The other engines in the order of --list, this one left out.
function each_other(prefix,    i, text) {
	for (i = 1; i <= engine_count; i++)
		if (engines[i] != ours)
			text = text sprintf(prefix, engines[i])
	return text
}

function rate_row(shape, workload,    i, e, rate, mark) {
	rate = v[shape, workload, ours, "ops_s"]
	printf "| %s | %s | %s | %s | %s |", workload, human(rate),
		v[shape, workload, ours, "p50_us"],
		v[shape, workload, ours, "p99_us"],
		v[shape, workload, ours, "p999_us"]
	for (i = 1; i <= engine_count; i++) {
		e = engines[i]
		if (e == ours)
			continue
		mark = v[shape, workload, e, "capped"] > 0 ? "\\*" : ""
		capped += mark != ""
		printf " %s |", has(shape, workload, e) ? \
			over(rate, v[shape, workload, e, "ops_s"]) mark : "-"
	}
	print ""
}

function rates(shape,    i, w) {
	print "\n### " shape ": operations a second, " ours " over the others\n"
	print "| workload | " ours " ops/s | p50 us | p99 us | p99.9 us |" \
		each_other(" over %s |")
	print "|---|---:|---:|---:|---:|" each_other("---:|")
	for (i = 1; i <= workload_count[shape]; i++) {
		w = workloads[shape, i]
		if (w !~ /-(device|turns)$/ && has(shape, w, ours))
			rate_row(shape, w)
	}
	if (capped)
		print "\n\\* ended by its time limit, with less done."
	capped = 0
}

function cost(shape, workload, engine,    given) {
	if (!has(shape, workload, engine))
		return "-"
	given = v[shape, workload, engine, "given_bytes"]
	return sprintf("%.2f / %s / %s / %.0f / %.0f",
		v[shape, workload, engine, "cpu_us_op"],
		over(v[shape, workload, engine, "written_bytes"], given),
		over(v[shape, workload, engine, "store_bytes"],
			v[shape, workload, engine, "live_bytes"]),
		v[shape, workload, engine, "anon_peak"] / 1048576,
		v[shape, workload, engine, "resident_peak"] / 1048576)
}

function costs(shape,    i, j, w) {
	print "\n### " shape ": CPU us an operation / written over given /" \
		" store over live data / peak memory, MiB, private / with" \
		" mapped files\n"
	printf "| workload |"
	for (j = 1; j <= engine_count; j++)
		printf " %s |", engines[j]
	printf "\n|---|"
	for (j = 1; j <= engine_count; j++)
		printf "---:|"
	print ""
	for (i = 1; i <= workload_count[shape]; i++) {
		w = workloads[shape, i]
		if (w ~ /-(device|turns)$/)
			continue
		printf "| %s |", w
		for (j = 1; j <= engine_count; j++)
			printf " %s |", cost(shape, w, engines[j])
		print ""
	}
}

function deleted(shape,    i, e, flushed, dirty, clean) {
	if (!((shape, "listdeleted") in seen) && \
	    !((shape, "listdeleted-flushed") in seen))
		return
	print "\n### " shape ": listing after a mass delete, us (p50), and over a" \
		" clean range\n"
	print "| engine | clean | before flush | ratio | clean | after flush |" \
		" ratio |"
	print "|---|---:|---:|---:|---:|---:|---:|"
	for (i = 1; i <= engine_count; i++) {
		e = engines[i]
		printf "| %s |", e
		for (flushed = 0; flushed <= 1; flushed++) {
			suffix = flushed ? "-flushed" : ""
			if (!has(shape, "listdeleted" suffix, e)) {
				printf " - | - | - |"
				continue
			}
			dirty = v[shape, "listdeleted" suffix, e, "p50_us"]
			clean = v[shape, "listclean" suffix, e, "p50_us"]
			printf " %s | %s | %s |", clean, dirty, over(dirty, clean)
		}
		print ""
	}
}

END {
	for (s = 1; s <= shape_count; s++) {
		rates(shapes[s])
		costs(shapes[s])
		deleted(shapes[s])
	}
}
