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

let words = " is the number of this line, which says nothing else and goes on until it has all of its bytes."
let names = Array.init 100 (Printf.sprintf "entry %d")

let text x = string_of_int (1_000_000_000 + x) ^ words

let entries x =
  let table = Hashtbl.create 128 in
  Array.iteri (fun number name -> Hashtbl.add table name (x + number)) names;
  table

type fields = {
  id : int; name : string; score : float; tags : string list; parent : int option; is_active : bool;
  note : string option; samples : float array }

let record x = {
  id = x; name = "record " ^ string_of_int x; score = float_of_int x /. 4.; tags = ["red"; "green"; "blue"];
  parent = (if x mod 3 = 0 then None else Some (x - 1)); is_active = x mod 2 = 0;
  note = (if x mod 4 = 0 then Some "called twice" else None);
  samples = [| float_of_int x; float_of_int x +. 0.5; float_of_int x *. 2. |] }

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
  let coded value =
    let nanoseconds, results = map value in
    expect (results = Array.map value items);
    Printf.printf "%d\n" nanoseconds in
  match kind, row with
  | "values", ("start" | "noops") ->
    let nanoseconds, results = map Fun.id in
    expect (results = items);
    Printf.printf "%d\n" nanoseconds
  | "values", "strings" -> coded text
  | "values", "dictionaries" -> coded entries
  | "values", "structs" -> coded record
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
