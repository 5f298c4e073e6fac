/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Answers what the daemon asks for over `socket`, until that ends. 0; or a negative errno after nonsense. */
int serve_daemon(int socket);
