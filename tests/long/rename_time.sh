#!/bin/sh
# As tests/mount/rename_time.sh, with 100,000 files below the directory.
FILES=${FILES:-100000} exec tests/mount/rename_time.sh
