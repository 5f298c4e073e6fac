/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
/*
 * The list of readers in a pcscd driver's Info.plist: two arrays, ifdVendorID and ifdProductID, where the n-th
 * of each make a reader (pcscd's own reading: hotplug_libudev.c, tokenparser.l).
 */
#include <stdbool.h>
#include <stdint.h>

/* True: the list names it. `text` ends with a NUL; what is no list names nothing. */
bool driver_list_names(const char *text, uint16_t vendor, uint16_t product);
