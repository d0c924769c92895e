# Shared by the scripts in this folder; sourced, never run. Bash.

MUSTER_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
MUSTER_CACHE="${MUSTER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/muster}"
MUSTER_JOBS="${MUSTER_JOBS:-$(nproc 2>/dev/null || echo 2)}"

# ccache is used by CMake when it is there; its folder stays the user's own unless they have none.
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-5G}"
export CCACHE_SLOPPINESS="${CCACHE_SLOPPINESS:-pch_defines,time_macros,include_file_mtime,include_file_ctime}"

say() { printf '%s: %s\n' "${MUSTER_SCRIPT:-muster}" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# Passes a Ninja log through. Ninja on a terminal draws its own status line, so this is for
# everything else: one line each time another tenth is done, and whatever is no status line
# (warnings, errors) untouched.
thin_progress() {
  awk '
    /^\[[0-9]+\/[0-9]+\] / {
      split(substr($1, 2, length($1) - 2), n, "/")
      tenth = int(n[1] * 10 / n[2])
      if (tenth != last) { print; fflush() }
      last = tenth
      next
    }
    /^ninja: (Entering|no work)/ { next }
    { print; fflush() }'
}

# run_ninja DIR [TARGET...]: builds, with progress fit for where it is shown (stderr).
run_ninja() {
  local dir="$1"
  shift
  if [ -t 2 ]; then
    cmake --build "$dir" -j "$MUSTER_JOBS" ${@:+--target "$@"} >&2
  else
    local status=0
    NINJA_STATUS='[%f/%t] ' cmake --build "$dir" -j "$MUSTER_JOBS" ${@:+--target "$@"} 2>&1 |
      thin_progress >&2 || status=$?
    return "$status"
  fi
}

# build_preset PRESET [TARGET...]: configures when it must, then builds.
build_preset() {
  local preset="$1" dir="$MUSTER_ROOT/build/$1" log
  shift
  if [ ! -f "$dir/build.ninja" ] || [ "$MUSTER_ROOT/CMakePresets.json" -nt "$dir/build.ninja" ]; then
    say "configuring preset $preset"
    log="$(mktemp)"
    if ! (cd "$MUSTER_ROOT" && cmake --preset "$preset" >"$log" 2>&1); then
      cat "$log" >&2
      rm -f "$log"
      return 1
    fi
    rm -f "$log"
  fi
  run_ninja "$dir" "$@"
}
