#!/bin/sh
# The tree keeps the rules, and lint would see it if not.
if scripts/lint; then
	echo "ok lint__tree_is_clean"
else
	echo "not ok lint__tree_is_clean"
fi
scripts/lint --self-test
