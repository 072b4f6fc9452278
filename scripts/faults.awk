# SPDX-License-Identifier: Apache-2.0

# Prints the table of scripts/faults from the tables of that script and the events of swift-testing (JSON lines).

function field(line, name,   at) {
    # The text of a JSON field that has no escapes.
    at = index(line, "\"" name "\":\"")
    if (!at) return ""
    line = substr(line, at + length(name) + 4)
    return substr(line, 1, index(line, "\"") - 1)
}

function text(line,   at) {
    # The text of the first message, unescaped.
    at = match(line, /"text":"([^"\\]|\\.)*"/)
    if (!at) return ""
    line = substr(line, RSTART + 8, RLENGTH - 9)
    gsub(/\\"/, "\"", line); gsub(/\\\//, "/", line)
    return line
}

# The kinds of pool of a test case: by its arguments, or else by the name of its test.
function kinds_of(test, words,   at, found) {
    at = index(words, " to \"" names[test])
    if (words ~ /passing [0-9]+ argument/ && at) {
        words = " " substr(words, 1, at - 1) ","
        if (words ~ /\.oneShot[^A-Za-z]/) return "oneShot"
        if (words ~ /\.residentBody[^A-Za-z]/) return "residentBody"
        if (words ~ /\.residentJob[^A-Za-z]/) return "residentJob"
        if (words ~ /\.exec[^A-Za-z]/) return "exec"
    }
    found = test
    sub(/^[^.]*\./, "", found); sub(/\(.*/, "", found)
    if (found in special) return special[found]
    if (names[test] ~ /(by exec|exec'd)/) return "exec"
    if (names[test] ~ /resident/ || found ~ /^Resident/) return "residentBody"
    return "oneShot"
}

# Whether a test has an id of the table.
function has_id(test,   ids, count, list, i) {
    ids = names[test]
    if (!match(ids, /^[A-H][0-9]+(, [A-H][0-9]+)*:/)) return 0
    count = split(substr(ids, 1, RLENGTH - 1), list, ", ")
    for (i = 1; i <= count; i++) if (list[i] in what) return 1
    return 0
}

function note(test, kinds, outcome,   ids, count, list, each, i, j, number) {
    ids = names[test]
    if (!match(ids, /^[A-H][0-9]+(, [A-H][0-9]+)*:/)) return
    count = split(substr(ids, 1, RLENGTH - 1), list, ", ")
    number = split(kinds, each, " ")
    for (i = 1; i <= count; i++) for (j = 1; j <= number; j++) tally[list[i], each[j], outcome]++
}

function end_case(test) {
    if (!(test in running)) return
    note(test, running[test], test in failing ? "failed" : "passed")
    if (test in failing) {
        failed_tests[test] = 1
        delete failing[test]
    }
    delete running[test]
}

BEGIN {
    columns = split("oneShot residentBody residentJob exec", column, " ")
    title["oneShot"] = "one-shot"; title["residentBody"] = "closure"
    title["residentJob"] = "job"; title["exec"] = "exec"
}

/^exempt\|/ { split($0, part, "|"); count = split(part[3], list, " "); for (i = 1; i <= count; i++) reason[part[2], list[i]] = part[4]; next }
/^kinds\|/ { split($0, part, "|"); special[part[2]] = part[3]; next }
/^id\|/ {
    split($0, part, "|")
    if (wanted !~ /^ *$/ && !index(wanted, " " part[2] " ")) next
    order[++total] = part[2]; what[part[2]] = part[3]
    gsub(/`/, "", what[part[2]])
    next
}
/^\{"kind":"test",/ {
    test = field($0, "id"); gsub(/\\/, "", test)
    if (match($0, /"displayName":"([^"\\]|\\.)*"/)) {
        names[test] = substr($0, RSTART + 15, RLENGTH - 16)
        gsub(/\\/, "", names[test])
    }
    next
}
/^\{"kind":"event",/ {
    test = field($0, "testID"); gsub(/\\/, "", test)
    if (!(test in names)) next
    # A test without arguments has no case events.
    if (index($0, "\"kind\":\"testStarted\"")) begun[test] = 1
    else if (index($0, "\"kind\":\"testCaseStarted\"")) {
        delete begun[test]
        running[test] = kinds_of(test, text($0))
    }
    else if (index($0, "\"kind\":\"testEnded\"")) {
        if (test in begun) {
            running[test] = kinds_of(test, "")
            delete begun[test]
        }
        end_case(test)
    }
    else if (index($0, "\"kind\":\"issueRecorded\"")) { if (!index($0, "\"isKnown\":true")) failing[test] = 1 }
    else if (index($0, "\"kind\":\"testCaseEnded\"")) end_case(test)
    else if (index($0, "\"kind\":\"testSkipped\"")) {
        skipping = text($0); sub(/^.*skipped: /, "", skipping); gsub(/"/, "", skipping)
        skipped[test] = skipping
        note(test, "oneShot residentBody residentJob exec", "skipped")
    }
}

END {
    # A test that started and did not end has ended the whole run.
    for (test in begun) running[test] = kinds_of(test, "")
    for (test in running) { failing[test] = 1; unfinished[test] = 1 }
    for (test in unfinished) end_case(test)
    printf "%-4s %-52s", "id", "what happens"
    for (c = 1; c <= columns; c++) printf " %-8s", title[column[c]]
    print ""
    for (i = 1; i <= total; i++) {
        id = order[i]
        words = length(what[id]) > 52 ? substr(what[id], 1, 49) "..." : what[id]
        printf "%-4s %-52s", id, words
        for (c = 1; c <= columns; c++) {
            kind = column[c]
            if (tally[id, kind, "failed"]) { cell = "FAILED"; failed++ }
            else if (tally[id, kind, "passed"]) { cell = "passed"; passed++ }
            else if ((id, kind) in reason) {
                cell = "–"; exempted++
                why[id, reason[id, kind]] = why[id, reason[id, kind]] (why[id, reason[id, kind]] == "" ? "" : ", ") title[kind]
            }
            else if (tally[id, kind, "skipped"]) { cell = "skipped"; skips++ }
            else { cell = "NO TEST"; missing++ }
            printf " %s%s", cell, substr("        ", 1, cell == "–" ? 7 : 8 - length(cell))
        }
        print ""
    }
    print ""
    for (i = 1; i <= total; i++) for (key in why) {
        split(key, part, SUBSEP)
        if (part[1] == order[i]) printf "%-4s %s: – %s.\n", part[1], why[key], part[2]
    }
    for (test in skipped) if (has_id(test)) printf "skipped: %s: %s\n", names[test], skipped[test]
    for (test in failed_tests) if (has_id(test)) printf "FAILED: %s (%s)\n", names[test], test
    printf "%d ids and %d kinds of pool: %d passed, %d failed, %d have no test, %d skipped, %d do not apply.\n", \
        total, columns, passed, failed, missing, skips, exempted
    exit failed + missing > 0
}
