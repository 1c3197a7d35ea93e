#!/usr/bin/env bash
# aiclient from a clone: makes .venv when it is needed, then runs a command. Works with bash 3.2 (macOS).
#
#   ./run.sh                  serve on 127.0.0.1:3000            (any flags: ./run.sh --port 4000)
#   ./run.sh web              the same, and every exchange to be watched in mitmweb
#   ./run.sh test [ARGS]      the tests; ARGS go to pytest       (./run.sh test clients: real clients against it;
#                                                                ./run.sh test attack: malformed, malicious, too many requests;
#                                                                ./run.sh test slow: what the default run leaves out to stay short;
#                                                                ./run.sh test pools: each fault of a provider, with several accounts;
#                                                                ./run.sh test datasets: exports read by datasets, trl, transformers;
#                                                                ./run.sh test soak: load, memory and scarcity, 40 minutes)
#   ./run.sh lint             ruff, format, mypy
#   ./run.sh bench [ARGS]     the benchmark
#   ./run.sh WORD [ARGS]      aiclient WORD: accounts, config, doctor, key, version, --help
#
# PYTHON=/path/to/python3.13 ./run.sh takes that Python to make .venv with.
set -euo pipefail

say() { printf 'aiclient: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

here="${BASH_SOURCE[0]}"
while [ -L "$here" ]; do # a link to run.sh, in ~/bin for one
  target="$(readlink "$here")"
  case "$target" in /*) here="$target" ;; *) here="$(dirname "$here")/$target" ;; esac
done
root="$(cd "$(dirname "$here")" && pwd -P)"
venv="$root/.venv"
python="$venv/bin/python"
lock="$root/.venv.lock"
stamp="$venv/aiclient-stamp"
doubt="$venv/aiclient-installing" # there while packages are put in: found at a start, that install was cut off
log="$venv/aiclient-install.log"

# An activated venv or a user's pip settings must not decide where packages go. Indexes, proxies and certificates stay.
unset VIRTUAL_ENV CONDA_PREFIX PYTHONHOME PYTHONPATH __PYVENV_LAUNCHER__
unset PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_REQUIRE_HASHES PIP_NO_DEPS PIP_DRY_RUN PIP_NO_BUILD_ISOLATION
unset PIP_REQUIREMENT PIP_CONSTRAINT PIP_EDITABLE PIP_NO_BINARY PIP_ONLY_BINARY PIP_PLATFORM PIP_IGNORE_INSTALLED PIP_LOG
unset UV_SYSTEM_PYTHON UV_PYTHON UV_TARGET UV_PREFIX UV_NO_BUILD UV_NO_BINARY UV_CONSTRAINT UV_OVERRIDE UV_REQUIRE_HASHES
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1 # set, as they may be in a pip.conf as well

# Container images set this; without bytecode files on disk each start would compile all of mitmproxy again.
unset PYTHONDONTWRITEBYTECODE

good_python='import sys, venv, ensurepip
sys.exit(sys.version_info < (3, 12))'

find_python() { # prints the path of a Python >= 3.12 that can make a venv; tried by running it: a pyenv shim may only complain
  local candidate
  local pyenv="${PYENV_ROOT:-$HOME/.pyenv}/versions"
  for candidate in ${PYTHON:+"$PYTHON"} python3.14 python3.13 python3.12 python3 python \
    "$pyenv"/3.14.*/bin/python "$pyenv"/3.13.*/bin/python "$pyenv"/3.12.*/bin/python "$pyenv"/*/bin/python \
    /opt/homebrew/bin/python3.1[2-9] /usr/local/bin/python3.1[2-9] /home/linuxbrew/.linuxbrew/bin/python3.1[2-9] \
    /opt/homebrew/opt/python@3.1[2-9]/bin/python3.1[2-9] /usr/local/opt/python@3.1[2-9]/bin/python3.1[2-9] \
    /Library/Frameworks/Python.framework/Versions/3.1[2-9]/bin/python3; do
    if (cd / && "$candidate" -I -c "$good_python") >/dev/null 2>&1; then
      (cd / && "$candidate" -I -c 'import sys; print(sys._base_executable)')
      return
    fi
  done
  return 1
}

no_python() {
  die "needs Python 3.12 or newer, with venv, and found none. Install one, then start again:
  macOS:          brew install python@3.13
  Debian, Ubuntu: sudo apt install python3.12 python3.12-venv   (or the newest python3.x your release has)
  Fedora:         sudo dnf install python3.13
  anywhere:       pyenv install 3.13, or install uv and let it fetch a Python
  elsewhere:      PYTHON=/path/to/python3.13 $0"
}

state() { # what an install depends on: change one, and it is done again
  printf '%s\n' "$root" "$(cksum <"$root/pyproject.toml")" "$("$python" -I -c 'import sys; print(sys.version)' 2>/dev/null)"
}

is_ready() { # $1: run or dev
  [ -f "$stamp" ] && [ ! -e "$doubt" ] && [ -x "$python" ] || return 1
  local stamped
  stamped="$(cat "$stamp")"
  [ "$stamped" = "dev $(state)" ] || { [ "$1" = run ] && [ "$stamped" = "run $(state)" ]; }
}

take_lock() {
  local waited=0 owner
  until mkdir "$lock" 2>/dev/null; do
    [ -w "$root" ] || die "cannot write in $root"
    owner="$(cat "$lock/pid" 2>/dev/null || true)"
    if { [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; } || { [ -z "$owner" ] && [ "$waited" -ge 10 ]; }; then
      mv "$lock" "$lock.$$" 2>/dev/null && rm -rf "$lock.$$" # its owner is gone; of several that see it, one moves it
      continue
    fi
    [ "$waited" -eq 1 ] && say "another start is installing; waiting for it"
    [ "$waited" -ge 1200 ] && die "gave up waiting for the install of process $owner; remove $lock if there is none"
    sleep 1
    waited=$((waited + 1))
  done
  echo $$ >"$lock/pid"
  trap 'rm -rf "$lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

make_venv() {
  local base
  rm -rf "$venv"
  if command -v uv >/dev/null 2>&1 && uv venv --quiet --no-project --python "${PYTHON:->=3.12}" "$venv" >/dev/null 2>&1; then
    :
  else
    rm -rf "$venv"
    base="$(find_python)" || no_python
    "$base" -I -m venv "$venv" >&2 || die "$base could not make a venv in $venv"
  fi
  say "made .venv with $("$python" --version)"
}

put_in() { # $1: extras, may be empty
  local what="$root${1:+[$1]}"
  if command -v uv >/dev/null 2>&1; then
    uv pip install --quiet --python "$python" -e "$what" >>"$log" 2>&1
  else
    "$python" -I -m pip install --quiet --no-input -e "$what" >>"$log" 2>&1
  fi
}

can_install() { # an own .venv that works is kept, whoever made it
  [ -x "$python" ] && [ ! -e "$doubt" ] && "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null &&
    { command -v uv >/dev/null 2>&1 || "$python" -I -m pip --version >/dev/null 2>&1; }
}

install() { # $1: run or dev
  local extras=fast
  [ "$1" = dev ] && extras=fast,dev
  can_install || make_venv
  say "installing packages (a minute or so; later starts skip this)"
  rm -f "$stamp"
  : >"$doubt"
  : >"$log"
  if ! put_in "$extras"; then
    # uvloop is a compiled extra that some systems have no build of; all else is needed
    say "trying without the optional uvloop"
    [ "$1" = dev ] && extras=dev || extras=
    if ! put_in "$extras"; then
      tail -n 15 "$log" >&2
      die "could not install the packages; the whole log is $log"
    fi
  fi
  # Compile once what every start imports, as it is started: with -O.
  "$python" -OP -c 'import addons.cli, mitmproxy.tools.main, mitmproxy.tools.dump, mitmproxy.tools.web.master' >/dev/null 2>&1 || true
  printf '%s\n' "$1 $(state)" >"$stamp"
  rm -f "$doubt"
  say "ready"
}

need() { # $1: run or dev
  is_ready "$1" && return
  [ -f "$root/pyproject.toml" ] || die "$root is not a clone of aiclient"
  take_lock
  if ! is_ready "$1"; then
    local level="$1"
    [ -f "$stamp" ] && case "$(head -n 1 "$stamp")" in dev\ *) level=dev ;; esac
    install "$level"
  fi
  rm -rf "$lock"
  trap - EXIT INT TERM HUP
}

all_of() { # $1: a folder; the rest: arguments to pytest. Prints the folder, unless they name places in it
  local folder="$1" word
  shift
  for word in ${1+"$@"}; do
    case "$word" in "$folder"*) return ;; esac
  done
  printf '%s\n' "$folder"
}

case "${1-}" in
  test)
    shift
    need dev
    cd "$root"
    case "${1-}" in
      clients)
        shift
        [ -d tests/clients ] || die "there are no tests with real clients yet"
        exec "$python" -P -m pytest $(all_of tests/clients ${1+"$@"}) ${1+"$@"}
        ;;
      attack) # all of what `slow` takes a sample of
        shift
        export AICLIENT_TEST_ATTACK_COUNT="${AICLIENT_TEST_ATTACK_COUNT:-10000}"
        exec "$python" -P -m pytest -q $(all_of tests/attack ${1+"$@"}) ${1+"$@"}
        ;;
      slow) # what the default run leaves out to stay short
        shift
        exec "$python" -P -m pytest -q -n 2 --dist loadfile -m slow --ignore=tests/clients --ignore=tests/datasets --ignore=tests/soak ${1+"$@"}
        ;;
      pools) # failover: each fault on each wire, with several accounts
        shift
        AICLIENT_TEST_POOLS=1 exec "$python" -P -m pytest -q -n 2 --dist loadfile $(all_of tests/e2e/pools ${1+"$@"}) ${1+"$@"}
        ;;
      soak) # many streams, memory, a full disk: 40 minutes
        shift
        exec "$python" -P -m pytest $(all_of tests/soak ${1+"$@"}) ${1+"$@"}
        ;;
      datasets) # the libraries take some 700 MB: they have a venv of their own
        shift
        heavy="$venv/datasets"
        [ -x "$heavy/bin/python" ] || "$python" -I -m venv "$heavy"
        if ! cmp -s tests/datasets/requirements.txt "$heavy/requirements.txt"; then
          say "installing datasets, trl and transformers (a minute or so; later runs skip this)"
          # trl itself needs torch only for training
          "$heavy/bin/python" -I -m pip install --quiet --no-input -r tests/datasets/requirements.txt
          "$heavy/bin/python" -I -m pip install --quiet --no-input --no-deps trl==1.16.0
          cp tests/datasets/requirements.txt "$heavy/requirements.txt"
        fi
        exec "$heavy/bin/python" -P -m pytest -q --confcutdir=tests/datasets $(all_of tests/datasets ${1+"$@"}) ${1+"$@"}
        ;;
      coverage) # of the converters, by branch; fails below 95 %
        "$python" -P -m coverage run --branch --source=converters -m pytest -q tests/converters
        exec "$python" -P -m coverage report --skip-covered --sort=cover --fail-under=95
        ;;
      "") exec "$python" -P -m pytest -q -m "not slow" -n 2 --dist loadfile --ignore=tests/clients --ignore=tests/datasets --ignore=tests/soak ;;
      *) exec "$python" -P -m pytest "$@" ;;
    esac
    ;;
  lint)
    need dev
    cd "$root"
    failed=0
    "$venv/bin/ruff" check --quiet . || failed=1
    "$venv/bin/ruff" format --quiet --check . || { failed=1; say "cure: .venv/bin/ruff format ."; }
    "$venv/bin/mypy" || failed=1
    exit "$failed"
    ;;
  bench)
    shift
    need dev
    cd "$root"
    exec "$python" -P -m bench ${1+"$@"}
    ;;
  -h | --help) words=(--help) ;;
  --version) words=(version) ;;
  "" | -*) words=(serve ${1+"$@"}) ;;
  *) words=("$@") ;;
esac
need run
# -P: the current folder may have an `addons` of its own. -O: mitmproxy's internal type checks cost a fifth of an exchange.
exec "$python" -OP -m addons "${words[@]}"
