#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A few of the random faults of `make soak`: none leads to a removal that is missed, to a false lock, or to a session that is
# not guarded again.
. "$(dirname "$0")/lib.sh"
vm_boot --usb=hub
vm_spoil
"$top/scripts/soak" --seed="${SOAK_SEED:-13}" --faults="${SOAK_FAULTS:-15}" > "$top/build/vm/$case_name.out" 2>&1
status=$?
note "$(cat "$top/build/vm/$case_name.out")"
is 'every fault was made' "$(grep -c '^ *[0-9]* .* ms ' "$top/build/vm/$case_name.out")" "${SOAK_FAULTS:-15}"
is 'and none was found' "$(tail -n 1 "$top/build/vm/$case_name.out")" 'missed 0, false 0, unguarded 0'
is 'and it says so' $status 0
done_testing
