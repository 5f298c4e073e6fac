# SPDX-License-Identifier: GPL-2.0-or-later
# For /etc/profile.d: has the card at the client of a login shell guard the session; see REMOTE SESSIONS in scpolicyd(8). It is
# quiet where no card service is forwarded.
[ -z "$SSH_CONNECTION" ] || [ ! -S "/run/user/$(id -u)/pcscd.comm" ] || scpolicyctl attach > /dev/null 2>&1
