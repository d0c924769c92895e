# Shared by the scripts in this folder; sourced, never run. Bash.

MUSTER_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
MUSTER_CACHE="${MUSTER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/muster}"
MUSTER_JOBS="${MUSTER_JOBS:-$(nproc 2>/dev/null || echo 2)}"

# ccache is used by CMake when it is there; its folder stays the user's own unless they have none.
# Objects are shared between clones and build folders: their paths do not count.
export CCACHE_BASEDIR="${CCACHE_BASEDIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}" CCACHE_NOHASHDIR="${CCACHE_NOHASHDIR:-1}"
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
# With MUSTER_KEEP_GOING set, a failure does not keep the rest from being built.
run_ninja() {
  local dir="$1" command
  shift
  command=(ninja -C "$dir" -j "$MUSTER_JOBS" ${MUSTER_KEEP_GOING:+-k 0} "$@")
  if [ -t 2 ]; then
    "${command[@]}" >&2
  else
    NINJA_STATUS='[%f/%t] ' "${command[@]}" 2>&1 | thin_progress >&2
  fi
}

# configure_preset PRESET: configures when nothing is configured yet, or the presets changed since. What
# else can change (sources, CMake files, dependencies) Ninja notices by itself.
configure_preset() {
  local dir="$MUSTER_ROOT/build/$1" log
  if [ -f "$dir/build.ninja" ] && [ -f "$dir/compile_commands.json" ] &&
    [ ! "$MUSTER_ROOT/CMakePresets.json" -nt "$dir/build.ninja" ]; then
    return 0
  fi
  say "configuring preset $1"
  log="$(mktemp)"
  if ! (cd "$MUSTER_ROOT" && cmake --preset "$1" >"$log" 2>&1); then
    cat "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# build_preset PRESET [TARGET...]: configures when it must, then builds.
build_preset() {
  local preset="$1"
  shift
  configure_preset "$preset" && run_ninja "$MUSTER_ROOT/build/$preset" "$@"
}

# own_sources PATTERN...: our own files of these names, committed or not, from the repository's root.
own_sources() {
  local folders=() folder names=() pattern
  for folder in runtime messages config actors adapters tests benchmarks; do
    [ ! -d "$MUSTER_ROOT/$folder" ] || folders+=("$folder")
  done
  for pattern in "$@"; do names+=(-o -name "$pattern"); done
  (cd "$MUSTER_ROOT" && find "${folders[@]}" -type f \( "${names[@]:1}" \) ! -path '*/node_modules/*' | sort)
}
