#!/bin/sh
# bench_engine at a size that says nothing about speed: every row is there, what
# was read was right, nothing is left behind; and the tables are made of it.
set -u

bench=${BUILD:-build}/bin/bench_engine
out=$TMPDIR/out
mkdir "$TMPDIR/stores"

result() { # NAME: of the command before
	if [ $? -eq 0 ]; then
		echo "ok bench_engine__$1"
	else
		echo "not ok bench_engine__$1"
	fi
}

small_run() {
	"$bench" --dir "$TMPDIR/stores" --engines keyfs --scale 5000 \
		--seconds 0.02 --rounds "$@" 2>"$TMPDIR/err" || {
		tail -n 5 "$TMPDIR/err" >&2
		return 1
	}
}

# shape,workload of every row of a round, one a line.
wanted() {
	for shape in small 4k fs; do
		for row in fillseq fillbatch fillsync fillsync-turns \
			fillsync-device fillsync8 \
			fillrandom readrandom readcached readmissing readseq \
			seek10 readwhilewriting-r readwhilewriting-w overwrite \
			deleterandom listclean listdeleted \
			listclean-flushed listdeleted-flushed overwrite5x; do
			echo "$shape,$row"
		done
	done | sort
}

# Rows in which nothing was done, or with other than 21 columns.
bad_rows() {
	awk -F, 'NR > 1 && ($6 <= 0 || $8 <= 0 || NF != 21)' "$1"
}

# rows CSV ROUND: the shape and workload of its rows.
rows() {
	awk -F, -v round="$2" '$1 == round && $3 == "keyfs" {
		print $2 "," $4
	}' "$1" | sort
}

small_run 1 >"$out.csv"
result runs_every_workload

rows "$out.csv" 1 >"$out.rows"
wanted | diff - "$out.rows" && [ -z "$(bad_rows "$out.csv")" ]
result prints_every_row

[ -z "$(ls -A "$TMPDIR/stores")" ]
result leaves_no_store_behind

small_run 2 --shapes fs --workloads readrandom,overwrite >"$out.csv" &&
	[ "$(rows "$out.csv" 1 | xargs)" = "fs,overwrite fs,readrandom" ] &&
	[ "$(rows "$out.csv" 2 | xargs)" = "fs,overwrite fs,readrandom" ] &&
	[ "$(wc -l <"$out.csv")" -eq 5 ]
result runs_only_what_was_asked_for

refused=0
for bad in --engines=keyfs,nosuch --shapes=nosuch --workloads=nosuch \
	--rounds=0 --scale=0; do
	"$bench" --dir "$TMPDIR/stores" "$bad" >/dev/null 2>&1
	[ $? -eq 2 ] && refused=$((refused + 1))
done
[ $refused -eq 5 ]
result refuses_what_it_does_not_know

# No file may be larger than 64 KiB: the engine's process dies of it.
(
	ulimit -f 128
	small_run 1 --shapes small --workloads fillseq,readrandom >"$out.csv"
)
[ $? -eq 1 ] && [ "$(wc -l <"$out.csv")" -eq 1 ] &&
	grep -q 'keyfs has failed in fillseq' "$TMPDIR/err" &&
	grep -q 'keyfs has failed in loading' "$TMPDIR/err" &&
	[ -z "$(ls -A "$TMPDIR/stores")" ]
result goes_on_after_a_failure_and_tells

# A signal in the middle: soon after the first line of a long run.
"$bench" --dir "$TMPDIR/stores" --engines keyfs --scale 5000 --seconds 20 \
	--shapes small --workloads readrandom,fillseq >"$out.csv" 2>/dev/null &
pid=$!
for _ in $(seq 100); do
	[ "$(wc -l <"$out.csv")" -lt 2 ] || break
	sleep 0.1
done
kill -TERM $pid
wait $pid
[ $? -eq 143 ] && [ -z "$(ls -A "$TMPDIR/stores")" ]
result removes_its_stores_on_a_signal

# Two rounds of two engines: the means of the two, their ratio, and a goal.
cat >"$out.csv" <<'END'
round,shape,engine,workload,threads,ops,seconds,ops_s,p50_us,p99_us,p999_us,max_us,cpu_us_op,written_bytes,given_bytes,store_bytes,live_bytes,anon_peak,resident_peak,settle_s,capped
1,small,keyfs,fillseq,1,9,1,300,1,2,3,4,1,5,10,12,10,1048576,3145728,0,0
1,small,rocksdb,fillseq,1,9,1,100,1,2,3,4,2,20,10,12,10,2097152,2097152,0,0
2,small,keyfs,fillseq,1,9,1,500,3,2,3,4,1,5,10,12,10,1048576,3145728,0,0
2,small,rocksdb,fillseq,1,9,1,100,1,2,3,4,2,20,10,12,10,2097152,2097152,0,1
END
parts=scripts/bench-engine.d
awk -f $parts/medians.awk "$out.csv" >"$out.medians"
for part in tables goals plot; do
	awk -f $parts/$part.awk "$out.medians"
done >"$out.text"
grep -qxF '| fillseq | 400 | 2 | 2 | 3 | 4.00\* |' "$out.text" &&
	grep -qxF '| fillseq | 1.00 / 0.50 / 1.20 / 1 / 3 | 2.00 / 2.00 / 1.20 / 2 / 2 |' \
		"$out.text" &&
	grep -qxF "| fillseq over the better of RocksDB and LevelDB | small |\
 4.00 | at least 1.5 | met |" "$out.text" &&
	grep -qxF "| peak private memory, MiB, RocksDB's | small | 1.00 |\
 at most 2.00 | met |" "$out.text" &&
	grep -qxF "| peak memory with mapped files, MiB, RocksDB's | small |\
 3.00 | at most 2.00 | **missed** |" "$out.text" &&
	grep -qxF "fillseq	4.000" "$out.text"
result makes_tables_of_medians

# Without RocksDB nothing is said about it.
grep -v ',rocksdb,' "$out.medians" >"$out.alone"
for part in tables goals plot; do
	awk -f $parts/$part.awk "$out.alone"
done >"$out.text"
grep -qxF '| fillseq | 400 | 2 | 2 | 3 |' "$out.text" &&
	! grep -qi rocksdb "$out.text"
result leaves_out_what_is_not_there

# The rows of two runs, and no new ones.
mkdir -p "$TMPDIR/build/bin"
ln -s "$(realpath "$bench")" "$TMPDIR/build/bin/bench_engine"
sed -n '1,3p' "$out.csv" >"$out.first"
sed -n '1p;4,5p' "$out.csv" >"$out.second"
BUILD="$TMPDIR/build" ROUNDS=7 ROWS="$out.first $out.second" scripts/bench-engine \
	>"$out.text" 2>"$TMPDIR/err" &&
	cmp -s "$out.csv" "$TMPDIR/build/bench/engine.csv" &&
	grep -q 'medians of 2,' "$out.text" &&
	grep -qxF '| fillseq | 400 | 2 | 2 | 3 | 4.00\* |' "$out.text"
result makes_tables_of_earlier_runs
