# SPDX-License-Identifier: Apache-2.0

# R's parallel in the rows of scripts/compare-peers: pools.R POOL ROW COUNT, where POOL is mclapply or cluster.
# Prints the nanoseconds of the row. Checks the results outside of the measured time.
library(parallel)

arguments <- commandArgs(trailingOnly = TRUE)
pool <- arguments[1]
row <- arguments[2]
count <- as.integer(arguments[3])
items <- seq_len(count) - 1

same <- function(x) x
big <- function(x) rep(as.raw(x), 1048576)
nap <- function(x) {
  Sys.sleep(0.1)
  x
}
churn <- function(seed, turns = 200000) {
  x <- seed + 1
  for (turn in seq_len(turns)) x <- (x * 16807) %% 2147483647
  x
}
tail <- " is the number of this line, which says nothing else and goes on until it has all of its bytes."
names_of_entries <- paste("entry", 0:99)
text <- function(x) sprintf("%d%s", 1000000000L + as.integer(x), tail)
entries <- function(x) setNames(as.list(x + 0:99), names_of_entries)
record <- function(x) {
  list(
    id = x, name = paste("record", x), score = x / 4, tags = c("red", "green", "blue"),
    parent = if (x %% 3 != 0) x - 1, is_active = x %% 2 == 0, note = if (x %% 4 == 0) "called twice",
    samples = c(x, x + 0.5, x * 2))
}
same_but_seven <- function(x) {
  if (x == 7) tools::pskill(Sys.getpid(), 9)
  Sys.sleep(0.001)
  x
}

# The monotonic clock of R has only milliseconds; this clock has microseconds.
timed <- function(work) {
  start <- Sys.time()
  results <- work()
  list(nanoseconds = as.numeric(Sys.time() - start, units = "secs") * 1e9, results = results)
}

# Whether to send items one by one: mclapply then forks for each item, so only for rows with few items.
singly <- row %in% c("sleeps", "killed") || (pool == "cluster" && row %in% c("results", "compute", "warm-results"))
over_cluster <- function(cluster, body) {
  if (singly) clusterApplyLB(cluster, items, body) else parLapply(cluster, items, body)
}
once <- function(body, workers = 2) {
  if (pool == "mclapply") return(mclapply(items, body, mc.cores = workers, mc.preschedule = !singly))
  cluster <- makeForkCluster(workers)
  results <- over_cluster(cluster, body)
  stopCluster(cluster)
  results
}
warm <- function(work) {
  cluster <- makeForkCluster(2)
  work(cluster)
  run <- timed(function() work(cluster))
  stopCluster(cluster)
  run
}

# The start and the close of a cluster count in the first number, and not in the second one.
coded <- function(body) {
  cold <- timed(function() once(body))
  if (pool == "mclapply") return(cold)
  second <- warm(function(c) over_cluster(c, body))
  list(nanoseconds = c(cold$nanoseconds, second$nanoseconds), results = second$results)
}

is_same <- function(results) identical(as.numeric(unlist(results)), as.numeric(items))
is_big <- function(results) {
  length(results) == count && all(mapply(function(r, x) length(r) == 1048576 && r[1048576] == x, results, items))
}

if (row == "killed") {
  results <- tryCatch(suppressWarnings(once(same_but_seven)), error = function(error) list())
  right <- mapply(function(result, x) is.numeric(result) && result == x, results, items[seq_along(results)])
  cat("got", sum(unlist(right)), "\n")
  cat("then", identical(mclapply(0, same), list(0)), "\n")
  quit()
}

sequential <- ""
if (row == "compute") {
  stopifnot(churn(0, 10000) == 1043618065)
  alone <- timed(function() lapply(items, churn))
  sequential <- format(alone$nanoseconds, scientific = FALSE)
}
run <- switch(row,
  start = , noops = timed(function() once(same)),
  results = timed(function() once(big)),
  sleeps = timed(function() once(nap, 10)),
  compute = if (pool == "mclapply") timed(function() once(churn)) else warm(function(c) over_cluster(c, churn)),
  strings = coded(text),
  dictionaries = coded(entries),
  structs = coded(record),
  "warm-call" = warm(function(c) lapply(items, function(x) clusterApply(c[1], x, same)[[1]])),
  "warm-noops" = warm(function(c) over_cluster(c, same)),
  "warm-results" = warm(function(c) over_cluster(c, big)))
stopifnot(switch(row,
  compute = identical(run$results, alone$results),
  results = , "warm-results" = is_big(run$results),
  strings = identical(run$results, lapply(items, text)),
  dictionaries = identical(run$results, lapply(items, entries)),
  structs = identical(run$results, lapply(items, record)),
  is_same(run$results)))
cat(format(run$nanoseconds / if (row == "warm-call") count else 1, scientific = FALSE), sequential, "\n")
