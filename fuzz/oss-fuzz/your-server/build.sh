#!/bin/bash -eu
# Builds your server's fuzz targets into $OUT: .clusterfuzzlite/build.sh of your repository. They are what your CMakeLists.txt
# declares with sockdrill_add_server_fuzzer(); change these four lines.
: "${SERVER_SOURCE:=$SRC/my-server}"   # where that CMakeLists.txt is
: "${SERVER_FUZZERS:=my-fuzz}"         # the names given to sockdrill_add_server_fuzzer(), of servers that speak the same
: "${SERVER_SPEAKS:=echo}"             # as SPEAKS there: a protocol's name, or a dialogue file
: "${SERVER_SEEDS:=}"                  # folders of scenarios of your own, for all of them: $SRC/my-server/fuzz/corpus
: "${SOCKDRILL:=/opt/sockdrill}"       # where the Dockerfile has installed it

# sockdrill's part is built with libstdc++, which a server in C++ must share; the image's own is libc++.
export CXXFLAGS="${CXXFLAGS//-stdlib=libc++/}"

cmake -S "$SERVER_SOURCE" -B "$WORK/server" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_PREFIX_PATH="$SOCKDRILL" -DCMAKE_BUILD_RPATH="\$ORIGIN/lib" -DCMAKE_RUNTIME_OUTPUT_DIRECTORY="$WORK/server/fuzzers" \
  -DSOCKDRILL_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
"$SOCKDRILL/bin/sockdrill" dictionary --speaks "$SERVER_SPEAKS" --output "$WORK/server.dict"
for fuzzer in $SERVER_FUZZERS; do
  cmake --build "$WORK/server" --target "$fuzzer"
  # shellcheck disable=SC2086  # folders, or none
  "$SOCKDRILL/libexec/sockdrill/pack-fuzz-target" "$WORK/server/fuzzers/$fuzzer" -max_len=16384 -timeout=25 \
    --dict "$WORK/server.dict" "$SOCKDRILL/share/sockdrill/scenarios" $SERVER_SEEDS
done
