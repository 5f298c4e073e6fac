/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/capabilities.h"

#include <stdbool.h>
#include <sys/prctl.h>

#include <cap-ng.h>

#include "lib/log.h"

void capabilities_drop(void)
{
	bool may_open, may_lock_in;

	/* Unread, it has none as far as libcap-ng knows, and keeps none. */
	if (capng_get_caps_process() < 0)
		log_warning("cannot read the capabilities of this process");
	may_open = capng_have_capability(CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	may_lock_in = capng_have_capability(CAPNG_PERMITTED, CAP_SYS_CHROOT);
	capng_clear(CAPNG_SELECT_BOTH);
	if (may_open)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_DAC_OVERRIDE);
	if (may_lock_in)
		capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_BOUNDING_SET, CAP_SYS_CHROOT);
	if (capng_apply(CAPNG_SELECT_BOTH) < 0)
		log_warning("cannot drop capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		log_warning("cannot set no_new_privs: %m");
}
