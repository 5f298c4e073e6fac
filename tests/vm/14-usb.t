#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What else can happen to the reader's USB device. Unbound or deauthorised, it counts as removed, and so it does when the
# kernel removes it and finds it again. After a reset it is still there. Another reader of the same model changes
# nothing.
. "$(dirname "$0")/lib.sh"
vm_boot
vm_one_session
usb=/sys/bus/usb/devices/$(usb_path_of "$card")
ok 'its USB device is known' guest "grep -q 08e6 $usb/idVendor"

# usbdevfs' reset: _IO('U', 20)
guest "perl -e 'open(my \$device, \"+<\", \$ARGV[0]) or die; ioctl(\$device, 0x5514, 0) or die \"\$!\\n\"' /dev/bus/usb/\$(printf %03d/%03d \$(cat $usb/busnum $usb/devnum))"
ok 'it can be reset' [ $? -eq 0 ]
ok_not_removed 'reset' "$card" 6
wait_for card-atr 20

vm qmp '{"execute":"device_add","arguments":{"driver":"usb-ccid","id":"reader1","bus":"usb.0","port":"2"}}' > /dev/null
ok 'a second reader is there' wait_for '[ $(grep -c "pcsc reader-in" /run/witness.out) -ge 2 ]' 20
vm qmp '{"execute":"device_del","arguments":{"id":"reader1"}}' > /dev/null
ok 'and is pulled' wait_for 'grep -q "pcsc reader-gone" /run/witness.out' 20
ok_not_removed 'another reader' "$card" 2

guest "echo ${usb##*/} > /sys/bus/usb/drivers/usb/unbind"
ok_only_card_locked 'unbound'
ok 'unbound: its reader counts as removed' journal_has removal "$card" SCPOLICY_CAUSE=reader
guest "echo ${usb##*/} > /sys/bus/usb/drivers/usb/bind"
ok_guarded_again 'bound again'

guest "echo 0 > $usb/authorized"
ok_only_card_locked 'deauthorised'
ok 'deauthorised: its reader counts as removed' journal_has removal "$card" SCPOLICY_CAUSE=reader
guest "echo 1 > $usb/authorized"
ok_guarded_again 'authorised again'

# The kernel removes the device and finds it again, at another address; the card is in it all the time.
address=$(guest "cat $usb/devnum")
hub=$(echo "${usb##*/}" | sed 's/-.*/-0:1.0/')
guest "cd /sys/bus/usb/drivers/hub; echo $hub > unbind; echo $hub > bind"
ok_only_card_locked 're-enumerated'
ok 're-enumerated: its reader counts as removed' journal_has removal "$card" SCPOLICY_CAUSE=reader
ok_guarded_again 're-enumerated'
ok 're-enumerated: at another address' guest "[ \$(cat $usb/devnum) != $address ]"
vm card-out
ok_only_card_locked 'the card is pulled there'
vm card-in
ok_guarded_again 'inserted there'

# A PC/SC client does not notice this: the reader keeps its name, and the worker was away meanwhile.
address=$(guest "cat $usb/devnum")
worker() { guest "kill -$1 \$(pgrep -x scpolicyd-pcsc-)"; }
worker STOP
vm reader-out
# Back before the kernel has looked, it would only have been reset.
wait_for '! grep -qs 08e6 /sys/bus/usb/devices/*/idVendor' 20
vm reader-in
ok_only_card_locked 'out and in unseen'
wait_for "[ -e $usb/devnum ] && card-atr" 20
worker CONT
ok_guarded_again 'out and in unseen'
ok 'out and in unseen: at another address' guest "[ \$(cat $usb/devnum) != $address ]"

# With its controller, as in a dock: from the second time on it gets its old address, within seconds.
pci=$(guest "readlink -f $usb/../.." | sed 's|.*/||')
driver=$(guest "readlink -f /sys/bus/pci/devices/$pci/driver")
controller_anew() { guest "cd $driver && echo $pci > unbind && echo $pci > bind"; }
controller_anew
ok_only_card_locked 'its controller went, too'
ok_guarded_again 'its controller went, too'
address=$(guest "cat $usb/devnum")
# udevd reports the removal only after the return.
guest 'systemctl kill -s STOP systemd-udevd'
controller_anew
ok_only_card_locked 'and again'
ok 'and again: it is back at the address that it had' wait_for "[ \$(cat $usb/devnum) = $address ]"
guest 'systemctl kill -s CONT systemd-udevd'
ok_guarded_again 'and again'
ok_not_removed 'what udevd said of it late' "$card" 2
vm card-out
ok_only_card_locked 'the card is pulled after that'
vm card-in
ok_guarded_again 'inserted after that'
vm reader-out
ok_only_card_locked 'pulled at last'
ok 'pulled at last: the probe reported it' journal_has removal "$card" SCPOLICY_SOURCE=probe

# Interfaces that are all "vendor specific" do not say what they are. pcscd's drivers list the readers among such devices.
# A gadget on a loop-back controller takes any id.
gadget=/sys/kernel/config/usb_gadget/vendor
device='/sys/devices/platform/dummy_hcd.0/usb*/[0-9]*-1'
guest "modprobe -a dummy_hcd libcomposite usb_f_ss_lb; mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
	mkdir $gadget $gadget/configs/c.1 $gadget/functions/SourceSink.0 && ln -s $gadget/functions/SourceSink.0 $gadget/configs/c.1"
plug_vendor() { guest "echo 0x$1 > $gadget/idVendor; echo 0x$2 > $gadget/idProduct; echo dummy_udc.0 > $gadget/UDC" && wait_for "[ -e $device ]"; }
is_marked() { guest "udevadm settle; udevadm info -q property -p $device | grep -qx ID_SMARTCARD_READER=1"; }
ok 'a vendor specific device, in the list of libccid' plug_vendor 08e6 3437
ok 'it is a reader' is_marked
guest "echo > $gadget/UDC"
wait_for "[ ! -e $device ]"
ok 'a vendor specific device, in no list' plug_vendor 1d6b 0104
ok 'it is none' [ "$(is_marked; echo $?)" = 1 ]
ok 'the gadget is taken away' guest "echo > $gadget/UDC; rm $gadget/configs/c.1/SourceSink.0
	rmdir $gadget/configs/c.1 $gadget/functions/SourceSink.0 $gadget && modprobe -r usb_f_ss_lb && modprobe -r dummy_hcd"
done_testing
