# Who includes whom.  Input: every .c and .h; output: kind, place, line,
# message, separated by tabs.

BEGIN {
	OFS = "\t"
	# The table of the design: a directory, and what it may include besides
	# itself.  A name that ends in / is a directory.
	may["engine"] = "engine/base/"
	may["engine/base"] = ""
	may["engine/os"] = "engine/base/"
	may["engine/table"] = "engine/base/ engine/os/"
	may["engine/db"] = "engine/base/ engine/os/ engine/table/ " \
		"engine/lsm.h engine/lsm_stats.h engine/lsm_lab.h"
	may["fs/record"] = "engine/base/"
	may["fs/store"] = "engine/base/ engine/lsm.h"
	may["fs/vol"] = "engine/base/ fs/record/ fs/store/"
	may["fs/fuse"] = "engine/base/ fs/vol/"
	may["fs/cli"] = "engine/base/ engine/lsm.h engine/lsm_lab.h " \
		"fs/record/ fs/store/ " \
		"fs/vol/ fs/fuse/session.h"
	fuse_home = "fs/fuse"
}

function dir_of(path) {
	sub(/\/[^\/]*$/, "", path)
	return path
}

function allowed(dir, target,    n, i, list) {
	if (dir_of(target) == dir)
		return 1
	n = split(may[dir], list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] == target || list[i] == dir_of(target) "/")
			return 1
	return 0
}

FNR == 1 {
	dir = dir_of(FILENAME)
	free = FILENAME ~ /^tests\//
	seen[FILENAME] = 1
	if (!free && !(dir in may))
		print "layer", FILENAME, 1, "no layer of the design"
	else if (FILENAME ~ /^engine\/lsm(_lab|_stats)?\.h$/ || dir != "engine")
		;
	else
		print "layer", FILENAME, 1, "engine/ itself holds only lsm.h, lsm_stats.h and lsm_lab.h"
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, quoted, "\"")
	from[++edges] = FILENAME
	to[edges] = quoted[2]
	line[edges] = FNR
	if (!free && (dir in may) && !allowed(dir, quoted[2]))
		print "arrow", FILENAME, FNR, dir " may not include " quoted[2]
}

/^[ \t]*#[ \t]*include[ \t]*<[^>]*fuse/ && !free && dir != fuse_home {
	print "fuse", FILENAME, FNR, "FUSE's headers belong to " fuse_home
}

# Headers in a cycle: take away, again and again, what includes nothing that
# is left and what nothing left includes.
END {
	for (e = 1; e <= edges; e++) {
		if (!(to[e] in seen))
			print "arrow", from[e], line[e],
				to[e] " does not exist, seen from the top"
		alive[e] = (to[e] in seen) && from[e] ~ /\.h$/
	}
	do {
		removed = 0
		split("", includes)
		split("", included)
		for (e = 1; e <= edges; e++)
			if (alive[e]) {
				includes[from[e]] = 1
				included[to[e]] = 1
			}
		for (e = 1; e <= edges; e++)
			if (alive[e] && (!(to[e] in includes) || !(from[e] in included))) {
				alive[e] = 0
				removed = 1
			}
	} while (removed)
	for (e = 1; e <= edges; e++)
		if (alive[e])
			print "cycle", from[e], line[e], "includes " to[e] " in a circle"
}
