#!/bin/sh
# As tests/mount/cut.sh, with 200 power cuts for each policy.
CUTS=${CUTS:-200} exec tests/mount/cut.sh
