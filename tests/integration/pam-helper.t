# SPDX-License-Identifier: GPL-2.0-or-later
# The PAM module's helper on a real pcscd with virtual readers: what it notes, what it writes, what it refuses.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Stage;
use File::Copy 'copy';
use Test::More;
use Time::HiRes qw(sleep time);

my $READER = $Stage::READER;
my $OTHER = $READER =~ s/00$/01/r;    # the other slot, port 35964
my $RECORDS = '/run/scpolicyd/sessions';

sub ask { return ask_helper(@_) }

sub sign_in {
    my ($id, @more) = @_;
    return ask('record', SESSION => $id, UID => 1000, USER => 'card', SERVICE => 'login', LEADER => 4711, @more);
}

sub says {
    my ($reply, $result, $text, $why) = @_;
    is($reply->{RESULT}, $result, $why);
    like($reply->{TEXT} // '', $text, "$why: in words");
}

# pcscd needs a moment to see a card; ask it until it says so.
sub look_until {
    my ($pattern) = @_;
    my $end = time + 5;
    my $reply;
    do { sleep 0.05; $reply = ask('look', "TIMEOUT=400\n") } until ($reply->{NOTE} // $reply->{TEXT}) =~ $pattern || time > $end;
    return $reply;
}

says(ask('look'), 'failed', qr/^cannot reach pcscd: /, 'without pcscd');
says(sign_in(1), 'failed', qr/^cannot reach pcscd: /, 'without pcscd, record');

start_pcscd();
says(look_until(qr/no card/), 'nothing', qr/^there is no card in a reader$/, 'without a card');
says(sign_in(1), 'nothing', qr/^there is no card in a reader$/, 'without a card, record');
ok(!-e "$RECORDS/1", 'nothing is recorded');

insert(35963);
my $look = look_until(qr/READER/);
says($look, 'done', qr/^noted the card in \Q$READER\E$/, 'a card');
like($look->{NOTE}, qr/^READER=\Q$READER\E\tSLOT=0\tATR=$Stage::ATR\tCOUNTER=1\tSEEN=\d+\t$/, 'the note');
says(ask('look', READER_GLOB => 'Gem*'), 'nothing', qr/no card/, 'a card, but in another reader');
says(ask('look', READER_GLOB => 'Virt* 0?'), 'done', qr/^noted/, 'a card in a reader that matches');

says(sign_in(1, TOKEN => 'Jane'), 'done', qr/^session 1 of card is bound to the card in \Q$READER\E$/, 'record');
my $first = read_record(1);
like(delete $first->{SEEN}, qr/^\d+$/, 'when the card was found in');
is_deeply($first, {
    SESSION => 1, BOOT_ID => boot_id(), UID => 1000, USER => 'card', SERVICE => 'login', LEADER => 4711,
    READER => $READER, SLOT => 0, ATR => $Stage::ATR, COUNTER => 1, TOKEN => 'Jane',
    PCSC_SOCKET => '/run/pcscd/pcscd.comm'}, 'every field is written');
is(sprintf('%o', (stat "$RECORDS/1")[2]), '100600', 'the file is root\'s alone');
is(sprintf('%o', (stat $RECORDS)[2]), '40700', 'so is the directory');
is_deeply([glob "$RECORDS/.[!.]*"], [], 'no temporary file stays');
says(sign_in(1), 'done', qr/^session 1/, 'the same session again');
says(ask('record', SESSION => 1, UID => 1001, USER => 'other', SERVICE => 'login', LEADER => 4712), 'failed',
    qr/^session 1 was recorded already, for uid 1000 and process 4711$/, 'a session that is another\'s');
is(read_record(1)->{UID}, 1000, 'and stays as it was');

insert(35964, '3B00');
says(look_until(qr/2 readers/), 'nothing', qr/^there are cards in 2 readers .*: \Q$READER, $OTHER\E$/, 'two cards');
says(ask('look', READER_GLOB => '*01'), 'done', qr/^noted the card in \Q$OTHER\E$/, 'the pattern tells which');
says(sign_in(2, NOTE => $look->{NOTE}), 'done', qr/^session 2 of card/, 'the note tells which');
is(read_record(2)->{READER}, $READER, 'that reader');

# A PKCS#11 module with a token in each reader (tests/unit/pkcs11-module.c).
copy(build('tests/pkcs11-module.so'), '/run/module.so') or die;
sub ask_module {
    my ($tokens, @more) = @_;
    local $ENV{PKCS11_TEST} = $tokens;
    return ask('look', PKCS11_MODULE => '/run/module.so', @more);
}
my $both = "$READER|Jane|0A|jane;$OTHER|John|0B|john";
says(ask_module($both, TOKEN => 'John'), 'done', qr/^noted the card in \Q$OTHER\E$/, 'the token label tells which');
says(ask_module($both, SERIAL => '0A', ISSUER => '/CN=test CA'), 'done', qr/^noted the card in \Q$READER\E$/,
    'the certificate tells which');
says(ask_module($both, SERIAL => '0A', ISSUER => '/CN=other'), 'nothing',
    qr/^there are cards in 2 readers and the one used is not known \(reader= can tell\): .* on none of them: \Q$READER, $OTHER\E$/,
    'another certificate');
says(ask_module("$READER|crashes|0A|jane;$OTHER|John|0B|john", TOKEN => 'John'), 'nothing', qr/module crashed/,
    'a module that crashes');
says(ask_module($both, TOKEN => 'John', READER_GLOB => '*00'), 'done', qr/^noted the card in \Q$READER\E$/,
    'with one reader left the module is not asked');
chmod 0666, '/run/module.so';
says(ask_module($both, TOKEN => 'John'), 'nothing', qr{pkcs11_module=/run/module.so: others than root can write},
    'a module that others may write to');
says(ask('look', PKCS11_MODULE => 'module.so'), 'failed', qr/PKCS11_MODULE= is not an absolute path/, 'a relative path');

pull(35963);
look_until(qr/^READER=\Q$OTHER\E/);
says(sign_in(3, NOTE => $look->{NOTE}), 'done', qr/^session 3/, 'pulled between sign-in and session');
is(read_record(3)->{COUNTER}, 1, 'recorded as it was noted');
insert(35963);
look_until(qr/2 readers/);
says(sign_in(4, NOTE => $look->{NOTE}), 'done', qr/^session 4/, 'removed and inserted again');
is(read_record(4)->{COUNTER}, 1, 'recorded as it was noted, not as it is');
pull(35964);
look_until(qr/COUNTER=3/);
says(sign_in(5, NOTE => 'nonsense'), 'done', qr/^session 5/, 'a note that is none');
is(read_record(5)->{COUNTER}, 3, 'is as no note: looked again');

record(6, UID => 1001);
record(7, BOOT_ID => '0' x 32);
says(ask('rebind', UID => 1000, SESSION => 2), 'done', qr/^1 session\(s\) bound again/, 'rebind one session');
is(join(' ', map { read_record($_)->{COUNTER} } 1 .. 7), '1 3 1 1 3 1 1', 'that one');
says(ask('rebind', UID => 1000, TOKEN => 'John'), 'done', qr/^5 session\(s\) bound again/, 'rebind all of a user');
is(join(' ', map { read_record($_)->{COUNTER} } 1 .. 7), '3 3 3 3 3 1 1', 'and of nobody else');
is(read_record(1)->{$_->[0]}, $_->[1], "rebound: $_->[0]")
    for [TOKEN => 'John'], [LEADER => 4711], [SESSION => 1], [USER => 'card'], [SERVICE => 'login'];
says(ask('rebind', UID => 1002), 'nothing', qr/^no session to bind/, 'a user without records');

pull(35963);
stop_pcscd();
start_pcscd(0xAC7B);
insert(0xAC7B);
look_until(qr/^READER=Odd/);
says(sign_in(9), 'done', qr/^session 9/, 'a reader name with a control character');
is(read_record(9)->{READER}, 'Odd?PCD 00 00', 'without it');

says(ask('look', "UID=0\n"), 'failed', qr/malformed: line 1: unknown field UID=$/, 'an unknown field');
says(ask('record', "SESSION=1\n"), 'failed', qr/malformed: field UID= is missing$/, 'a missing field');
says(ask('record', "SESSION=1\nUID=x\n"), 'failed', qr/malformed: line 2: field UID= is not a number/, 'no number');
says(ask('record', "SESSION=../1\n"), 'failed', qr/malformed: line 1: field SESSION= is not a session id$/, 'a path');
says(ask('look', 'x' x 5000), 'failed', qr/longer than 4096 bytes$/, 'an over-long request');
is_deeply(ask('steal', ''), {}, 'an unknown verb');

chmod 0755, $RECORDS;
says(sign_in(8), 'failed', qr/^cannot open \Q$RECORDS\E: Operation not permitted$/, 'a directory open to others');
chmod 0700, $RECORDS;
rename $RECORDS, "$RECORDS.old";
symlink "$RECORDS.old", $RECORDS;
says(sign_in(8), 'failed', qr/^cannot open \Q$RECORDS\E: Not a directory$/, 'a link for a directory');

done_testing();
