# shellcheck shell=bash
# Sourced by suites that are shell scripts: named checks, and a closing line that counts them.

passed=0
failed=()
log='' shown='' # what the checks are about was printed to $log; its end is shown with the first of them that fails

# check NAME COMMAND...: the check passes when the command succeeds; its output is shown only when it does not.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        passed=$((passed + 1))
        echo "ok - $name"
    else
        failed+=("$name")
        echo "not ok - $name"
        printf '%s\n' "$output" | tail -40 | sed 's/^/    /'
        [ ! -s "$log" ] || [ "$log" = "$shown" ] || tail -60 "$log" | sed 's/^/    /'
        shown=$log
    fi
}

# eventually SECONDS COMMAND...: succeeds as soon as the command does; after the time, fails with the command's last output.
eventually() {
    local deadline=$((SECONDS + $1)) output
    shift
    until output=$("$@" 2>&1); do
        if [ $SECONDS -ge $deadline ]; then
            printf '%s\n' "$output" "gave up after waiting: $*"
            return 1
        fi
        sleep 0.2
    done
}

# finish: names the failed checks and prints the closing line; fails if a check failed, or none ran.
finish() {
    local name
    echo
    for name in "${failed[@]}"; do echo "FAIL: $name"; done
    echo "$passed passed, ${#failed[@]} failed"
    [ ${#failed[@]} = 0 ] && [ "$passed" -gt 0 ]
}
