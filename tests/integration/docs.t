#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-or-later
# The documents say what the code does: every key, argument and journal event has its place in a man page, man pages render,
# what README and man pages name is there.
use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/../.." or die $!;

sub slurp {
	my $path = shift;
	open my $file, '<', $path or die "$path: $!";
	local $/;
	return <$file>;
}

# Every match of the pattern's first group, once each.
sub all {
	my ($text, $pattern) = @_;
	my %seen;
	return grep { !$seen{$_}++ } $text =~ /$pattern/g;
}

sub names {
	my ($page, $what, @names) = @_;
	cmp_ok(@names, '>', 3, "$page: there are $what to look for");
	my $text = slurp($page);
	my @missing = grep { $text !~ /^\*\Q$_\E\*/m && $text !~ /\b_?\Q$_\E_?\b/ } @names;
	is("@missing", '', "$page names all of the $what");
}

# ---- scpolicyd.conf(5)

my $keys = slurp('user/config/config_keys.c');
my $page = slurp('user/man/scpolicyd.conf.5.scd');
my $sample = slurp('user/data/scpolicyd.conf');
# The key and the word of each row, however the row is broken into lines and whatever stands before them.
my $table = slurp('user/policy/settings.h');
my %words = $table =~ /\bROW\([^"]*"(\w+)",[\s\\]*"([a-z-]+)"/g;
my %settings = map { $_ => 1 } keys %words, all($keys, qr/(?:POLICY|REMOTE)_ONLY\("(\w+)"/);
my @matches = all($keys, qr/MATCH\("(\w+)"/);
is(keys %words, scalar(() = $table =~ /^\tROW\(/mg), 'every row of the settings is read');
cmp_ok(keys %settings, '>', 5, 'there are keys to look for');
for my $key (sort keys %settings) {
	like($page, qr/^\*$key=\*.*?\nDefault: .+ Example: \*$key=/ms, "scpolicyd.conf(5) has $key=, its default and an example");
	like($sample, qr/^#$key=/m, "and the sample file has it");
}
for my $key (@matches) {
	like($page, qr/^\*$key=\*(?:(?!^\*\w+=\*).)*Example: \*$key=/ms, "scpolicyd.conf(5) has $key= and an example");
	like($sample, qr/^#$key=/m, 'and the sample file has it');
}
my @told = grep { !$settings{$_} && !grep { $_ eq $1 } @matches } $page =~ /^\*(\w+)=\*$/mg;
is("@told", '', 'and has no key that does not exist');

# ---- pam_scpolicy(8), scpolicyd(8)

# What nobody can know: the table of the model that judges the core, and the page's.
my %excepted = slurp('tests/model/judge.c') =~ /\[EXCEPTION_\w+\] =\s*\{"([^"]+)",\s*"([^"]+)",/g;
my ($unknown) = slurp('user/man/scpolicyd.8.scd') =~ /^# WHAT CANNOT BE KNOWN$(.*?)^# /ms;
my %written = $unknown =~ /^\|  (\S+)\n:  (.+)$/mg;
cmp_ok(keys %excepted, '>', 5, 'there are exceptions to look for');
is_deeply(\%written, \%excepted, 'scpolicyd(8) has the exceptions of the simulated machine, and their reasons');

my $module = slurp('user/pam/options.c');
my @arguments = all($module, qr/(?:\{|argument_value\(argument, )"(\w+=?)"(?:, offsetof\(struct options|, parse_|\))/);
names('user/man/pam_scpolicy.8.scd', 'arguments', @arguments);
my @events = all(slurp('user/actions/trail.c'), qr/\] = \{"([a-z-]+)", "[0-9a-f]{32}"/);
names('user/man/scpolicyd.8.scd', 'journal events', @events);
names('user/data/scpolicyd.catalog', 'MESSAGE_IDs', all(slurp('user/actions/trail.c'), qr/"([0-9a-f]{32})"/));
my $name_tables = slurp('user/policy/names.c');
my $journal = slurp('user/man/scpolicyd.8.scd');
for my $list (['event_source', 'SOURCE', qr/_STARTUP/], ['outcome', 'OUTCOME', qr/_FAILED/]) {
	my ($function, $prefix, $last) = @$list;
	my ($table) = $name_tables =~ /^const char \*${function}_name\(.*?\{\n(.*?)^}/ms;
	# Sources behind the last one report no removal.
	$table =~ s/$last\] = "[a-z-]+"\K.*//s;
	my @named = all($table, qr/\[${prefix}_\w+\] = "([a-z-]+)"/);
	my ($written) = $journal =~ /^\*[^\n]*\bSCPOLICY_$prefix=\*\n\t([^\n]*)$/m;
	is(join(' ', ($written // '') =~ /_([a-z-]+)_/g), "@named", "scpolicyd(8) lists SCPOLICY_$prefix= as names.c does");
}

# ---- scpolicyctl(1): the language of recordings

my $language = slurp('user/policy/trace_keys.c');
names('user/man/scpolicyctl.1.scd', 'events', all($language, qr/\[EVENT_\w+\] = \{"([a-z-]+)"/));
names('user/man/scpolicyctl.1.scd', 'keys', all($language, qr/\[(?:KEY|TRACE)_\w+\] = \{"([a-z-]+)"/));
is($words{$_}, lc(s/(?<=.)(?=[A-Z])/-/gr), "a recording calls $_= as scpolicyctl(1) says") for sort keys %words;
names('user/man/scpolicyctl.1.scd', 'verdicts', all(slurp('user/policy/trace_verdict.c'), qr/\[VERDICT_\w+\] = "([a-z-]+)"/));

# A stack names only arguments that the module knows, and each line of it is one.
for my $block (slurp('user/man/pam_scpolicy.8.scd') =~ /^```\n(.*?)^```/msg) {
	for my $line (grep { /\.so\b/ } split /\n/, $block) {
		like($line, qr/^(?:(?:auth|account|session|password)\s+|\t)(?:\w+|\[[^]]+\])\s+pam_\w+\.so(?: .*)?$/, "a PAM line: $line");
		next unless $line =~ /pam_scpolicy\.so(.*)/;
		for my $argument (split ' ', $1) {
			my $name = $argument =~ s/=.*/=/r;
			ok((grep { $_ eq $name } @arguments), "pam_scpolicy knows $argument");
		}
	}
}

# ---- all man pages

for my $source (glob 'user/man/*.scd') {
	my ($name) = $source =~ m{([^/]*)\.scd$};
	ok(-e "build/man/$name", "$name is made");
	# groff 1.23 warns of a narrow column that it cannot fill, too: nothing is wrong with it.
	my @warnings = grep { !/cannot adjust line/ } qx(LC_ALL=C.UTF-8 MANWIDTH=100 man --warnings -l build/man/$name 2>&1 >/dev/null);
	is("@warnings", '', 'and renders without a warning');
}

# ---- README, CONTRIBUTING

my $makefile = slurp('Makefile');
for my $paper ('README.md', 'CONTRIBUTING.md') {
	my $text = slurp($paper);
	my @targets = all($text, qr/\bmake ([a-z]+(?:-[a-z]+)*)(?=[\s`]|$)/);
	my @missing = grep { $makefile !~ /^(?:\S+ )*\Q$_\E(?: \S+)*:/m } @targets;
	is("@missing", '', "$paper: make does what it says");
	my @files = (all($text, qr/\]\(([^):#]+)\)/), all($text, qr{(?:src|srcset)="([^":]+)"}),
		all($text, qr{`((?:user|tests|bpf|scripts|debian|udev-rules)/[\w./-]*\w)`}));
	is(join(' ', grep { !-e && !/NN|NAME/ } @files), '', "$paper: files that it names are there");
}

# ---- README's picture

open my $timeline, '>', 'build/timeline.txt' or die $!;
print $timeline map { "$_\n" } 'anything else', sprintf('  %8s  %-13s  %-36s  |%s|', 'ms', 'source', 'what', '-' x 3),
	map { sprintf '  %8.1f  %-13s  %-36s  |%-3s|', @$_ } [0, 'kernel probe', 'the reader notifies: card out', '*'],
	[0.7, 'scpolicyd', 'LockSession sent', '*'], [21, 'udev', 'remove <&>', '  *'];
close $timeline;
my $picture = qx(scripts/picture < build/timeline.txt);
is($?, 0, 'a timeline can be drawn');
my $words = qr/>([^<]+)<\/text>/;
is(join(' | ', (all($picture, $words))[0, 1]), "The card is pulled: who knows of it when | milliseconds since the kernel's own stamp", 'with a title');
like($picture, qr{>0\.7</text>.*>scpolicyd</text>.*>LockSession sent</text>.*>remove &lt;&amp;&gt;</text>}s, 'and a row for each line');
isnt(system('scripts/picture < /dev/null > /dev/null 2>&1'), 0, 'nothing cannot be drawn');
is_deeply([grep { slurp('scripts/removal.svg') !~ />\Q$_\E</ } 'LockSession sent', 'reader gone'], [], "README's has its ends");

# ---- versions

my ($version) = $makefile =~ /^VERSION := (\S+)/m;
like(slurp('debian/changelog'), qr/^scpolicyd \(\Q$version\E\)/, 'the package has the version of the build');
like(slurp('CHANGELOG.md'), qr/^## \Q$version\E/m, 'and so have the changes');
done_testing();
