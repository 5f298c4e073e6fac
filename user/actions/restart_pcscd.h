/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/* HealPcscd=: a pcscd that has gone deaf is restarted, by systemd. */
#include <systemd/sd-bus.h>

/* Waits for nothing; a refusal is logged when it comes. 0, or a negative errno. */
int restart_pcscd(sd_bus *bus);
