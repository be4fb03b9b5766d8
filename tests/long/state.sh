#!/bin/sh
# As tests/mount/state.sh, with 200 power cuts for each.
CUTS=${CUTS:-200} exec tests/mount/state.sh
