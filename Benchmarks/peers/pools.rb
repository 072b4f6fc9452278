# SPDX-License-Identifier: Apache-2.0

# Ruby's parallel in the rows of scripts/compare-peers: pools.rb ROW COUNT. It starts its workers for each map.
# Prints the nanoseconds of the row. Checks the results outside of the measured time.
require "parallel"

row = ARGV[0]
count = Integer(ARGV[1])
items = (0...count).to_a
MEBIBYTE = 1 << 20

def churn(seed, turns = 120_000)
  x = seed + 1
  turns.times { x = x * 16_807 % 2_147_483_647 }
  x
end

TAIL = " is the number of this line, which says nothing else and goes on until it has all of its bytes."
NAMES = (0...100).map { |number| "entry #{number}" }
Record = Struct.new(:id, :name, :score, :tags, :parent, :is_active, :note, :samples)

def text(x) = (1_000_000_000 + x).to_s + TAIL

def entries(x) = NAMES.each_with_index.to_h { |name, number| [name, x + number] }

def record(x)
  Record.new(
    x, "record #{x}", x / 4.0, %w[red green blue], (x - 1 unless (x % 3).zero?), x.even?,
    ("called twice" if (x % 4).zero?), [x.to_f, x + 0.5, x * 2.0])
end

def timed
  start = Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond)
  result = yield
  [Process.clock_gettime(Process::CLOCK_MONOTONIC, :nanosecond) - start, result]
end

def map(items, workers: 2, &body) = Parallel.map(items, in_processes: workers, &body)

# Items are sent one by one; many small ones are sent in slices, as its manual advises.
def map_slices(items, &body)
  slices = items.each_slice([(items.size / 8.0).ceil, 1].max)
  map(slices) { |slice| slice.map(&body) }.flatten(1)
end

nanoseconds, results =
  case row
  when "start", "noops" then timed { map_slices(items) { |x| x } }
  when "strings" then timed { map_slices(items) { |x| text(x) } }
  when "dictionaries" then timed { map_slices(items) { |x| entries(x) } }
  when "structs" then timed { map_slices(items) { |x| record(x) } }
  when "results" then timed { map(items) { |x| x.chr * MEBIBYTE } }
  when "sleeps" then timed { map(items, workers: 10) { |x| sleep(0.1) && x } }
  when "compute" then timed { map(items) { |x| churn(x) } }
  when "killed"
    got = begin
      map(items) { |x| Process.kill(:KILL, Process.pid) if x == 7; sleep(0.001); x }.each_with_index.count { |r, i| r == i }
    rescue Parallel::DeadWorker
      0
    end
    puts "got #{got}", "then #{map([0]) { |x| x } == [0]}"
    exit
  else abort "no row #{row}"
  end

case row
when "results"
  right = results.size == count && results.each_with_index.all? { |r, i| r.bytesize == MEBIBYTE && r.getbyte(-1) == i }
when "strings" then right = results == items.map { |x| text(x) }
when "dictionaries" then right = results == items.map { |x| entries(x) }
when "structs" then right = results == items.map { |x| record(x) }
when "compute"
  sequential, expected = timed { items.map { |x| churn(x) } }
  right = churn(0, 10_000) == 1_043_618_065 && results == expected
else
  right = results == items
end
abort "wrong results" unless right
puts [nanoseconds, sequential].compact.join(" ")
