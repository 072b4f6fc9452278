(* SPDX-License-Identifier: Apache-2.0 *)

(* OCaml's Parmap in the rows of scripts/compare-peers: pools values|floats ROW COUNT. It forks for each map.
   Prints the nanoseconds of the row. Checks the results outside of the measured time. *)

let mebibyte = 1 lsl 20

let churn ?(turns = 2_000_000) seed =
  let x = ref (seed + 1) in
  for _ = 1 to turns do x := !x * 16807 mod 2147483647 done;
  !x

let big x = Bytes.make mebibyte (Char.chr x)
let nap x = Unix.sleepf 0.1; x

let same_but_seven x =
  if x = 7 then Unix.kill (Unix.getpid ()) Sys.sigkill;
  Unix.sleepf 0.001;
  x

let timed work =
  let start = Unix.gettimeofday () in
  let result = work () in
  (int_of_float ((Unix.gettimeofday () -. start) *. 1e9), result)

let expect is_right = if not is_right then (prerr_endline "wrong results"; exit 1)

let () =
  let kind = Sys.argv.(1) and row = Sys.argv.(2) and count = int_of_string Sys.argv.(3) in
  let items = Array.init count Fun.id in
  (* Without a chunk size each worker gets one part of the input; with a chunk size, results come as they are made. *)
  let map ?(workers = 2) ?chunksize body =
    timed (fun () -> Parmap.array_parmap ~ncores:workers ?chunksize ~keeporder:(chunksize <> None) body items) in
  match kind, row with
  | "values", ("start" | "noops") ->
    let nanoseconds, results = map Fun.id in
    expect (results = items);
    Printf.printf "%d\n" nanoseconds
  | "floats", "noops" ->
    (* Only for floats do the workers write results into memory of the caller. *)
    let inputs = Array.map float_of_int items in
    let nanoseconds, results =
      timed (fun () -> Parmap.array_float_parmap ~ncores:2 (fun (x : float) -> x) inputs) in
    expect (results = inputs);
    Printf.printf "%d\n" nanoseconds
  | "values", "results" ->
    let nanoseconds, results = map ~chunksize:1 big in
    expect (results = Array.map big items);
    Printf.printf "%d\n" nanoseconds
  | "values", "sleeps" ->
    let nanoseconds, results = map ~workers:10 ~chunksize:1 nap in
    expect (results = items);
    Printf.printf "%d\n" nanoseconds
  | "values", "compute" ->
    expect (churn ~turns:10_000 0 = 1043618065);
    let sequential, expected = timed (fun () -> Array.map churn items) in
    let nanoseconds, results = map ~chunksize:1 churn in
    expect (results = expected);
    Printf.printf "%d %d\n" nanoseconds sequential
  | "values", "killed" ->
    let _, results = try map ~chunksize:1 same_but_seven with _ -> (0, [||]) in
    let right = Array.mapi (fun i x -> if i = x then 1 else 0) results in
    Printf.printf "got %d\n%!" (Array.fold_left ( + ) 0 right);
    Printf.printf "then %b\n%!" (Parmap.array_parmap ~ncores:2 Fun.id [| 0 |] = [| 0 |])
  | _ -> prerr_endline ("no row " ^ row ^ " of " ^ kind); exit 1
