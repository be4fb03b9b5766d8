#!/bin/sh
# As tests/mount/kill.sh, at 200 moments.
MOMENTS=${MOMENTS:-200} exec tests/mount/kill.sh
