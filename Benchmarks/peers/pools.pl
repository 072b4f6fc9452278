#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0

# Perl's MCE::Map in the rows of scripts/compare-peers: pools.pl ROW COUNT. Its workers stay between maps of one body.
# Prints the nanoseconds of the row. Checks the results outside of the measured time.
use strict;
use warnings;
use MCE::Map;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);

my ($row, $count) = @ARGV;
my @items = 0 .. $count - 1;
my $mebibyte = 1 << 20;
my $turns = 120_000;

sub churn {
    my ($seed, $turns) = @_;
    my $x = $seed + 1;
    $x = $x * 16807 % 2147483647 for 1 .. $turns;
    return $x;
}

my $tail = " is the number of this line, which says nothing else and goes on until it has all of its bytes.";
my @names = map { "entry $_" } 0 .. 99;

sub entries { my ($x) = @_; my $number = 0; return { map { $_ => $x + $number++ } @names } }

sub record {
    my ($x) = @_;
    return {
        id => $x, name => "record $x", score => $x / 4, tags => ['red', 'green', 'blue'],
        parent => $x % 3 == 0 ? undef : $x - 1, is_active => $x % 2 == 0, note => $x % 4 == 0 ? 'called twice' : undef,
        samples => [$x, $x + 0.5, $x * 2],
    };
}

my %body = (
    same    => sub { $_ },
    big     => sub { chr($_) x $mebibyte },
    nap     => sub { sleep 0.1; $_ },
    churn   => sub { churn($_, $turns) },
    text    => sub { (1_000_000_000 + $_) . $tail },
    entries => sub { entries($_) },
    record  => sub { record($_) },
    seven   => sub { kill KILL => $$ if $_ == 7; sleep 0.001; $_ },
);
# The body, the workers, the items per chunk ('auto' is the default of MCE), and whether workers stay.
my %rows = (
    start          => ['same', 2, 'auto'],
    noops          => ['same', 2, 'auto'],
    results        => ['big', 2, 1],
    sleeps         => ['nap', 10, 1],
    compute        => ['churn', 2, 1, 1],
    strings        => ['text', 2, 'auto'],
    dictionaries   => ['entries', 2, 'auto'],
    structs        => ['record', 2, 'auto'],
    killed         => ['seven', 2, 1],
    'warm-call'    => ['same', 2, 1, 1],
    'warm-noops'   => ['same', 2, 'auto', 1],
    'warm-results' => ['big', 2, 1, 1],
);
my ($name, $workers, $chunk, $is_warm) = @{ $rows{$row} or die "no row $row\n" };
my $code = $body{$name};
MCE::Map->init(max_workers => $workers, chunk_size => $chunk);

# A text that is the same for equal values.
sub shown {
    my ($value) = @_;
    return 'undef' unless defined $value;
    return '[' . join(', ', map { shown($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return '{' . join(', ', map { "$_: " . shown($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return $value;
}

sub mapped { my ($last) = @_; return mce_map_s(\&$code, 0, $last) }

sub timed {
    my ($work) = @_;
    my $start = clock_gettime(CLOCK_MONOTONIC);
    my @results = $work->();
    return (int((clock_gettime(CLOCK_MONOTONIC) - $start) * 1e9), \@results);
}

if ($row eq 'killed') {
    $| = 1;
    my @results = mapped($count - 1);
    print 'got ', scalar(grep { my $x = $_; grep { $_ == $x } @results } @items), "\n";
    $code = $body{same};
    my @next = mapped(0);
    print 'then ', "@next" eq '0' ? 'True' : 'False', "\n";
    exit;
}

mapped($#items) if $is_warm;
my ($nanoseconds, $results);
if ($row eq 'warm-call') {
    ($nanoseconds, $results) = timed(sub { map { (mapped(0))[0] + $_ } @items });
    $nanoseconds = int($nanoseconds / $count);
} else {
    ($nanoseconds, $results) = timed(sub {
        my @results = mapped($#items);
        MCE::Map->finish unless $is_warm;
        @results;
    });
}
MCE::Map->finish if $is_warm;

# The start and the end of workers count in the first number, and not in the second one.
if ($row =~ /^(strings|dictionaries|structs)$/) {
    mapped($#items);
    my ($second, $again) = timed(sub { mapped($#items) });
    MCE::Map->finish;
    ($nanoseconds, $results) = ("$nanoseconds $second", $again);
}

my @expected = map { $body{$name}->() } @items;
if ($row eq 'compute') {
    die "wrong work\n" unless churn(0, 10_000) == 1043618065;
    my ($sequential) = timed(sub { map { $code->() } @items });
    $nanoseconds .= " $sequential";
}
die "wrong results\n" unless @$results == @expected;
for my $item (@items) { die "wrong results\n" unless shown($results->[$item]) eq shown($expected[$item]) }
print "$nanoseconds\n";
