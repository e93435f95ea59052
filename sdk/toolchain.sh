#!/usr/bin/env bash
# Finds or makes a Rust toolchain that builds guests (wasm32-wasip2, and wasm32-wasip1 for cargo-component), and
# prints its rustup name as the only line on standard output:
#
#   RUSTUP_TOOLCHAIN=$(sdk/toolchain.sh) cargo build --release --target wasm32-wasip2
#
# In this order:
#   1. the active toolchain, if it has the target;
#   2. the active toolchain, after `rustup target add`;
#   3. the toolchain `switchyard`, made from Debian's packages where rustup's server cannot be reached: the
#      active toolchain (hard links) plus a std for the two targets, built once from Debian's rust-src of the
#      same version, in a minute or two. Is there none of that version, Debian's own compiler for wasm
#      (rustc-web) is taken. It needs no root, installs nothing, and lives in rustup's folder; `rustup toolchain
#      uninstall switchyard` removes it.
#
# SWITCHYARD_GUEST_TOOLCHAIN=distro goes to 3 at once. Running it again is cheap.
set -euo pipefail

REVISION=6 # of how 3 is made; another one makes it again
TARGETS=(wasm32-wasip1 wasm32-wasip2)
NAME=switchyard
# Where rust-src and wasi-libc may be, smallest index first; Debian's own aliases, which do not age.
SUITES=(stable-backports trixie-backports oldstable-backports testing unstable stable)

say() { printf 'toolchain: %s\n' "$*" >&2; }
die() { printf 'toolchain: error: %s\n' "$*" >&2; exit 1; }
use() { say "$2"; printf '%s\n' "$1"; exit 0; }

case ${SWITCHYARD_GUEST_TOOLCHAIN:-} in
  '' | distro) ;;
  *) die "SWITCHYARD_GUEST_TOOLCHAIN is \`$SWITCHYARD_GUEST_TOOLCHAIN\`; it can only be \`distro\`" ;;
esac

# ---- what is there ---------------------------------------------------------------------------------------------

command -v rustup >/dev/null || die "there is no rustup on PATH; https://rustup.rs installs it"
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
TOOLCHAIN=$RUSTUP_HOME/toolchains/$NAME

sysroot() { # of a toolchain, by its name
  local rustc
  rustc=$(cd / && rustup which --toolchain "$1" rustc 2>/dev/null) || return 1
  "$rustc" --print sysroot
}
has_targets() { # has_targets SYSROOT TARGET...
  local root=$1 target
  shift
  for target in "$@"; do
    compgen -G "$root/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null || return 1
  done
}

active() { rustup show active-toolchain 2>/dev/null | awk '{print $1; exit}'; }
ACTIVE=$(active) || true
if [ "$ACTIVE" = "$NAME" ] && ! sysroot "$NAME" >/dev/null; then ACTIVE=; fi # a link to a folder that is gone
if [ -z "$ACTIVE" ]; then
  case ${RUSTUP_TOOLCHAIN:-} in
    '' | "$NAME") ACTIVE=$(cd / && unset RUSTUP_TOOLCHAIN && active) || true ;; # made below, from the default one
    *) die "RUSTUP_TOOLCHAIN is \`$RUSTUP_TOOLCHAIN\`, which rustup does not have" ;;
  esac
fi
ROOT=$([ -n "$ACTIVE" ] && sysroot "$ACTIVE") || die "rustup has no toolchain in $RUSTUP_HOME. Run \`rustup \
toolchain install stable\`, or set RUSTUP_HOME and CARGO_HOME to where yours are (often ~/.rustup and ~/.cargo of \
the user who installed Rust)"

if [ "${SWITCHYARD_GUEST_TOOLCHAIN:-}" != distro ]; then
  if has_targets "$ROOT" wasm32-wasip2; then
    use "$ACTIVE" "using $ACTIVE, which has wasm32-wasip2"
  fi
  bounded=()
  if command -v timeout >/dev/null; then bounded=(timeout 120); fi
  if ${bounded[@]+"${bounded[@]}"} rustup target add --toolchain "$ACTIVE" wasm32-wasip2 wasm32-wasip1 >/dev/null 2>&1 &&
    has_targets "$ROOT" wasm32-wasip2; then
    use "$ACTIVE" "using $ACTIVE, after \`rustup target add wasm32-wasip2\`"
  fi
fi

# ---- 3, from Debian's packages ---------------------------------------------------------------------------------

BASE=$ACTIVE
if [ "$BASE" = "$NAME" ]; then
  BASE=$(cat "$ROOT/switchyard-base" 2>/dev/null) ||
    die "the active toolchain \`$NAME\` was not made here; \`rustup default stable\` chooses one to start from"
  ROOT=$(sysroot "$BASE") || die "rustup has no toolchain \`$BASE\` (any more), from which \`$NAME\` was made"
fi
VERBOSE=$("$ROOT/bin/rustc" -vV)
VERSION=$(sed -n 's/^release: \([0-9.]*\).*/\1/p' <<<"$VERBOSE")
HOST=$(sed -n 's/^host: //p' <<<"$VERBOSE")
STAMP="revision $REVISION, targets ${TARGETS[*]}, base $ROOT, ${VERBOSE//$'\n'/, }"

is_current() { [ "$(cat "$TOOLCHAIN/switchyard-stamp" 2>/dev/null)" = "$STAMP" ] && has_targets "$TOOLCHAIN" "${TARGETS[@]}"; }
use_ours() { use "$NAME" "using $NAME, made from Debian's packages (base $BASE)"; }
if is_current; then use_ours; fi

WANTED="\`rustup target add wasm32-wasip2\` does not work here, and to make the target from packages"
for tool in apt-get apt-cache dpkg-deb tar cc flock; do
  command -v "$tool" >/dev/null || die "$WANTED, \`$tool\` is needed (Debian, or a system made from it)"
done
[ "$HOST" = "$(uname -m)-unknown-linux-gnu" ] || die "$WANTED, $HOST is not supported"

exec 9>"$RUSTUP_HOME/$NAME.lock"
flock -n 9 || { say "another run makes \`$NAME\`; waiting"; flock 9; }
if is_current; then use_ours; fi

unset RUSTUP_TOOLCHAIN RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTC_BOOTSTRAP \
  CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS CARGO_BUILD_RUSTC CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR
ARCH=$(dpkg --print-architecture)
# Beside the other toolchains, so that hard links and the final rename work; always the same folder, as its path
# goes into the hashes of std's crates, and another std would make what users built already useless.
WORK=$RUSTUP_HOME/$NAME.work
rm -rf "$WORK"
mkdir "$WORK"
trap 'rm -rf "$WORK"' EXIT
NEW=$WORK/toolchain
say "making \`$NAME\` from $BASE ($VERSION) and Debian's packages, a minute or two"

quiet() { "$@" >"$WORK/log" 2>&1 || { tail -n 40 "$WORK/log" >&2; return 1; }; }
APT=(-q -o APT::Sandbox::User=root -o Acquire::Languages=none -o Debug::NoLocking=1
  -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o APT::Architecture="$ARCH")

mirror() { # the URI of the main Debian archive, from whatever sources are configured
  if [ ! -s "$WORK/mirror" ]; then
    local code
    code=$(. /etc/os-release && echo "${VERSION_CODENAME:-sid}")
    mkdir -p "$WORK/none/partial"
    apt-get "${APT[@]}" -o Dir::State::lists="$WORK/none" update --print-uris 2>/dev/null |
      sed -n "s#^'\([^']*\)/dists/\($code\|stable\|testing\|unstable\|sid\)/InRelease'.*#\1#p" | head -n1 >"$WORK/mirror"
    [ -s "$WORK/mirror" ] || die "no Debian archive among the configured apt sources"
  fi
  cat "$WORK/mirror"
}
apt_in() { # apt_in SUITE COMMAND ARGUMENT...: with lists of its own; `configured` means the machine's sources
  local suite=$1 command=$2 dir=$WORK/apt/$1 options=()
  shift 2
  if [ ! -d "$dir" ]; then
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    if [ "$suite" != configured ]; then
      local key=/usr/share/keyrings/debian-archive-keyring.gpg by=
      [ ! -r $key ] || by="[signed-by=$key] "
      echo "deb $by$(mirror) $suite main" >"$dir/sources.list"
    fi
    apt_in "$suite" apt-get update >/dev/null 2>&1 || : >"$dir/failed"
  fi
  [ ! -e "$dir/failed" ] || return 1
  [ "$suite" = configured ] || options=(-o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=-)
  "$command" "${APT[@]}" ${options[@]+"${options[@]}"} -o Dir::State::lists="$dir/lists" -o Dir::Cache="$dir/cache" "$@"
}
versions() { apt_in "$1" apt-cache madison "$2" 2>/dev/null | awk -F'|' '{gsub(/ /,"",$2); print $2}'; }
fetch() { # fetch SUITE PACKAGE[=VERSION]...
  local suite=$1
  shift
  mkdir -p "$WORK/deb"
  (cd "$WORK/deb" && quiet apt_in "$suite" apt-get download "$@")
}

fetch_wasi_libc() { # from the first of these suites that has one for both targets
  local suite lib=$WORK/wasi/usr/lib
  for suite in "$@"; do
    [ -n "$(versions "$suite" wasi-libc)" ] && fetch "$suite" wasi-libc || continue
    dpkg-deb -x "$WORK"/deb/wasi-libc_*.deb "$WORK/wasi"
    if [ -e "$lib/wasm32-wasip1/libc.a" ] && [ -e "$lib/wasm32-wasip2/libc.a" ]; then return 0; fi
    rm -rf "$WORK/wasi" "$WORK"/deb/wasi-libc_*.deb
  done
  die "no wasi-libc for wasm32-wasip2 in ${SUITES[*]}"
}
unpack_library() { # only library/ of a rust-src package, a tenth of it
  mkdir -p "$WORK/src"
  dpkg-deb --fsys-tarfile "$1" | tar -x -C "$WORK/src" --wildcards './usr/src/*/library'
  LIBRARY=$(echo "$WORK"/src/usr/src/*/library)
  [ -d "$LIBRARY/std" ] || die "$(basename "$1") holds no library/std"
}
copy() { cp -al "$@" 2>/dev/null || cp -a "$@"; } # hard links where the file system allows

clone_base() { # the base toolchain without its other targets and its documentation
  local file
  mkdir -p "$NEW/lib/rustlib"
  copy "$ROOT/bin" "$NEW/"
  [ ! -d "$ROOT/libexec" ] || copy "$ROOT/libexec" "$NEW/"
  for file in "$ROOT"/lib/*; do
    [ "$(basename "$file")" = rustlib ] || copy "$file" "$NEW/lib/"
  done
  copy "$ROOT/lib/rustlib/$HOST" "$ROOT/lib/rustlib/etc" "$NEW/lib/rustlib/"
}
unpack_web() { # Debian's rustc-web as a toolchain that can be moved, with the base's cargo and wasm linkers
  local web=$WORK/web all own missing deb file wanted
  mkdir -p "$web" "$NEW/bin" "$NEW/libexec" "$NEW/lib/rustlib/$HOST/bin"
  # The compiler's own parts always, further shared libraries only where this machine lacks them.
  all=$(apt_in configured apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
    --no-replaces --no-enhances rustc-web | sed -n 's/^\([a-z][^:]*\)$/\1/p' | sort -u)
  own=$(grep -E '^(rustc-web|libstd-rust-web|libllvm)' <<<"$all")
  missing=$(grep '^lib' <<<"$all" | grep -v -e '-dev$' -e '^libc6' | while read -r deb; do
    dpkg-query -W -f='${db:Status-Status}' "$deb" 2>/dev/null | grep -qx installed || echo "$deb"
  done)
  mapfile -t wanted < <(printf '%s\n%s\n' "$own" "$missing" | grep . | sort -u)
  fetch configured "${wanted[@]}" || return 1
  for deb in "$WORK"/deb/*.deb; do
    case $(basename "$deb") in rust-*src_* | wasi-libc_*) ;; *) dpkg-deb -x "$deb" "$web" ;; esac
  done
  cp -a "$web/usr/bin/rustc" "$NEW/libexec/rustc"
  find "$web/usr/lib" "$web/lib" -path "*-linux-gnu/*.so*" ! -path '*/rustlib/*' \
    -exec cp -a {} "$NEW/lib/" \; 2>/dev/null || true
  cp -a "$web/usr/lib/rustlib/." "$NEW/lib/rustlib/"
  copy "$ROOT/bin/cargo" "$NEW/bin/"
  copy "$ROOT/lib/rustlib/$HOST/bin/." "$NEW/lib/rustlib/$HOST/bin/"
  for file in "$ROOT"/lib/libLLVM*; do copy "$file" "$NEW/lib/"; done # rust-lld is linked to it
  cat >"$NEW/bin/rustc" <<'WRAPPER'
#!/bin/sh
# Debian's rustc in a folder of its own; its sysroot is the parent of the lib/ that it loads from.
root=$(dirname "$(dirname "$(readlink -f "$0")")")
LD_LIBRARY_PATH=$root/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec "$root/libexec/rustc" "$@"
WRAPPER
  chmod +x "$NEW/bin/rustc"
}
build_std() { # the std of $LIBRARY for all targets, into the new toolchain
  local target args=() seed=$WORK/seed source=$NEW/lib/rustlib/src/rust/library lib commit
  mkdir -p "$seed/src" "$NEW/lib/rustlib/src/rust"
  ln -sfn "$LIBRARY" "$source"
  printf '[package]\nname = "switchyard-seed"\nversion = "0.0.0"\nedition = "2021"\n[lib]\n[workspace]\n' >"$seed/Cargo.toml"
  echo '#![no_std]' >"$seed/src/lib.rs"
  for target in "${TARGETS[@]}"; do args+=(--target "$target"); done
  commit=$("$NEW/bin/rustc" -vV | sed -n 's/^commit-hash: //p')
  # embed-bitcode: without it a guest's `lto = true` fails. remap: no private paths in panic messages.
  (cd "$seed" && quiet env RUSTC_BOOTSTRAP=1 RUSTC="$NEW/bin/rustc" CARGO_TARGET_DIR="$seed/target" \
    CARGO_PROFILE_RELEASE_DEBUG=0 __CARGO_DEFAULT_LIB_METADATA=switchyard \
    RUSTFLAGS="-Cembed-bitcode=yes --remap-path-prefix=$source=/rustc/$commit/library" \
    "$NEW/bin/cargo" build --release "${args[@]}" -Zbuild-std=std,panic_abort,panic_unwind,test,proc_macro \
    -Zbuild-std-features=panic-unwind,backtrace) || return 1
  rm -rf "$NEW/lib/rustlib/src"
  for target in "${TARGETS[@]}"; do
    lib=$NEW/lib/rustlib/$target/lib
    rm -rf "$NEW/lib/rustlib/$target"
    mkdir -p "$lib/self-contained"
    cp "$seed/target/$target/release/deps/"*.rlib "$lib/"
    rm -f "$lib"/libswitchyard_seed-*
    # Follows links (wasi-libc names wasip1 `wasm32-wasi` too); these three files are what rustup ships.
    cp -L "$WORK/wasi/usr/lib/$target/"{crt1-command.o,crt1-reactor.o,libc.a} "$lib/self-contained/"
  done
}
links() { # whether a program links for each target, and to what it should
  local target magic
  printf 'fn main() { println!("{}", std::env::vars().count()); }\n' >"$WORK/links.rs"
  for target in "${TARGETS[@]}"; do
    quiet env PATH="$NEW/lib/rustlib/$HOST/bin:$PATH" "$NEW/bin/rustc" --edition 2021 -O -Clto=fat --target "$target" \
      "$WORK/links.rs" -o "$WORK/$target.wasm" || return 1
    magic=$(od -An -tx1 -N8 "$WORK/$target.wasm" | tr -d ' \n')
    case $target:$magic in
      wasm32-wasip1:0061736d01000000 | wasm32-wasip2:0061736d0d000100) ;;
      *) say "a program for $target begins with $magic"; return 1 ;;
    esac
  done
}

with_own_compiler() {
  local suite version
  for suite in "${SUITES[@]}"; do
    version=$(versions "$suite" rust-src | grep -m1 -E "^${VERSION//./\\.}[+~-]") || continue
    fetch "$suite" "rust-src=$version" || continue
    fetch_wasi_libc "$suite" "${SUITES[@]}"
    unpack_library "$WORK"/deb/rust-src_*.deb
    clone_base && build_std && links && return 0
    say "std $version does not build or link with $BASE"
    break
  done
  rm -rf "$NEW" "$WORK/src" "$WORK/deb" "$WORK/wasi" "$WORK/seed"
  return 1
}
with_debians_compiler() {
  say "Debian has no usable rust-src $VERSION; taking its rustc-web"
  fetch configured rust-web-src && unpack_library "$WORK"/deb/rust-web-src_*.deb || return 1
  fetch_wasi_libc "${SUITES[@]}"
  unpack_web && build_std && links
}

with_own_compiler || with_debians_compiler || die "$WANTED, Debian's archive has nothing usable (see above)"
echo "$BASE" >"$NEW/switchyard-base"
echo "$STAMP" >"$NEW/switchyard-stamp"
if [ -L "$TOOLCHAIN" ]; then rm "$TOOLCHAIN"; fi
if [ -e "$TOOLCHAIN" ]; then mv "$TOOLCHAIN" "$WORK/old"; fi
mv "$NEW" "$TOOLCHAIN"
use_ours
