# Sizes and names.  Input: every .c and .h; output: kind, place, line, message,
# separated by tabs.  Reads C by its layout, not by its grammar: good enough
# for code that clang-format has formed.

BEGIN {
	OFS = "\t"
	c_lines_max = 600
	h_lines_max = 200
	door_lines_max = 300	# engine/lsm.h
	function_lines_max = 70	# from { to }, both counted
	params_max = 6
	tabs_max = 4		# nesting 3: the function's own tab and three more
	width_max = 80
	for (i = 1; i < ARGC; i++)
		if (ARGV[i] ~ /(^|[\/_])(common|utils?|misc)([\/_.]|$)/)
			complain("name", ARGV[i], 1,
				"say what it holds, not common/util/misc")
}

function complain(kind, place, at, message) {
	print kind, place, at, message
}

function width(s,    n, i, c) {
	gsub(/[\200-\277]/, "", s)	# UTF-8: one column per character
	if (index(s, "\t") == 0)
		return length(s)
	for (i = 1; i <= length(s); i++)
		n = substr(s, i, 1) == "\t" ? n + 8 - n % 8 : n + 1
	return n
}

# The line without comments, and with empty strings and characters.
function code_of(s,    out, p) {
	if (in_comment) {
		p = index(s, "*/")
		if (!p)
			return ""
		in_comment = 0
		s = substr(s, p + 2)
	}
	gsub(/\\./, "", s)
	gsub(/"[^"]*"/, "\"\"", s)
	gsub(/'[^']*'/, "0", s)
	out = ""
	while (match(s, /\/\*|\/\//)) {
		out = out substr(s, 1, RSTART - 1)
		if (substr(s, RSTART, 2) == "//")
			return out
		s = substr(s, RSTART + 2)
		p = index(s, "*/")
		if (!p) {
			in_comment = 1
			return out
		}
		s = substr(s, p + 2)
	}
	return out s
}

function count_of(s, c) {
	return gsub(c, "", s)
}

# Name and number of parameters of a function from its head.
function read_head(head,    depth, i, c, text) {
	params = 0
	name = "?"
	gsub(/__attribute__[ ]*\(\([^;]*\)\)[ ]*/, "", head)
	if (!match(head, /[A-Za-z_][A-Za-z0-9_]*[ ]*\(/))
		return
	name = substr(head, RSTART, RLENGTH - 1)
	sub(/ +$/, "", name)
	head = substr(head, RSTART + RLENGTH)
	depth = 1
	for (i = 1; i <= length(head) && depth > 0; i++) {
		c = substr(head, i, 1)
		depth += (c == "(") - (c == ")")
		params += c == "," && depth == 1
		text = text c
	}
	if (text !~ /^[ \t]*(void)?[ \t]*\)$/)
		params++
}

function begin_function() {
	read_head(head)
	in_function = 1
	begin_line = FNR
	deepest = 0
	if (params > params_max)
		complain("parameters", FILENAME ":" name, FNR,
			name " has " params " parameters, more than " params_max)
}

function end_function(    lines) {
	in_function = 0
	lines = FNR - begin_line + 1
	if (lines > function_lines_max)
		complain("function-size", FILENAME ":" name, begin_line,
			name " has " lines " lines, more than " function_lines_max)
	if (deepest > tabs_max)
		complain("nesting", FILENAME ":" name, deepest_line,
			name " nests " deepest - 1 " deep, more than " tabs_max - 1)
}

function end_file(    max) {
	if (file == "")
		return
	max = file ~ /\.c$/ ? c_lines_max : \
		file == "engine/lsm.h" ? door_lines_max : h_lines_max
	if (file_lines > max)
		complain("file-size", file, file_lines,
			file_lines " lines, more than " max)
}

FNR == 1 {
	end_file()
	file = FILENAME
	in_comment = in_function = in_macro = 0
	braces = parens = continued = 0
	head = ""
}

{
	file_lines = FNR
	if (width($0) > width_max)
		complain("width", FILENAME, FNR,
			width($0) " columns, more than " width_max)
	macro = in_macro || /^[ \t]*#/
	in_macro = macro && /\\$/
	code = code_of($0)
	if (macro || code ~ /^[ \t]*$/) {
		if (!in_function && macro)
			head = ""
		next
	}
	sub(/[ \t]+$/, "", code)
}

# A statement's first line shows its depth; continued lines do not.
in_function && parens == 0 && !continued && code !~ /^\t*( |[?:&|.=<>]|[+*-] )/ {
	match(code, /^\t*/)
	if (RLENGTH > deepest) {
		deepest = RLENGTH
		deepest_line = FNR
	}
}

{
	if (!in_function && braces == 0)
		head = head " " code
	opening = braces == 0 && !in_function && head ~ /\)[ \t]*\{/
	if (opening)
		begin_function()
	braces += count_of(code, "[{]") - count_of(code, "[}]")
	parens += count_of(code, "[(]") - count_of(code, "[)]")
	if (code ~ /^\}/)
		braces = parens = 0
	continued = code ~ /([,=&|+*\/<>?(-]|return)$/ && code !~ /(\+\+|--)$/
	if (braces <= 0) {
		braces = 0
		if (in_function)
			end_function()
		if (opening || code ~ /[;}]$/)
			head = ""
	}
}

END { end_file() }
