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

my %body = (
    same    => sub { $_ },
    big     => sub { chr($_) x $mebibyte },
    nap     => sub { sleep 0.1; $_ },
    churn   => sub { churn($_, $turns) },
    seven   => sub { kill KILL => $$ if $_ == 7; sleep 0.001; $_ },
);
# The body, the workers, the items per chunk ('auto' is the default of MCE), and whether workers stay.
my %rows = (
    start          => ['same', 2, 'auto'],
    noops          => ['same', 2, 'auto'],
    results        => ['big', 2, 1],
    sleeps         => ['nap', 10, 1],
    compute        => ['churn', 2, 1, 1],
    killed         => ['seven', 2, 1],
    'warm-call'    => ['same', 2, 1, 1],
    'warm-noops'   => ['same', 2, 'auto', 1],
    'warm-results' => ['big', 2, 1, 1],
);
my ($name, $workers, $chunk, $is_warm) = @{ $rows{$row} or die "no row $row\n" };
my $code = $body{$name};
MCE::Map->init(max_workers => $workers, chunk_size => $chunk);

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

my @expected = map { $body{$name}->() } @items;
if ($row eq 'compute') {
    die "wrong work\n" unless churn(0, 10_000) == 1043618065;
    my ($sequential) = timed(sub { map { $code->() } @items });
    $nanoseconds .= " $sequential";
}
die "wrong results\n" unless @$results == @expected;
for my $item (@items) { die "wrong results\n" unless $results->[$item] eq $expected[$item] }
print "$nanoseconds\n";
