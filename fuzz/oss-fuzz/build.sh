#!/bin/bash -eu
# Builds sockdrill's own fuzz targets into $OUT: what OSS-Fuzz and ClusterFuzzLite call in the image that the Dockerfile
# beside this describes. Compilers, flags and engine are the environment's; ci/try-oss-fuzz tries it without an image.
source=$SRC/sockdrill

# The distribution's libraries for C++ (fmt) are libstdc++'s, and go into $OUT; the image's own, libc++, does not fit them.
export CXXFLAGS="${CXXFLAGS//-stdlib=libc++/}"

# The flags say how it is optimised. Programs find the libraries that are packed with them beside themselves.
cmake -S "$source" -B "$WORK/sockdrill" -G Ninja -DCMAKE_BUILD_TYPE= -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX" \
  -DCMAKE_BUILD_RPATH="\$ORIGIN/lib" -DSOCKDRILL_TESTS=OFF -DSOCKDRILL_FUZZ=ON -DSOCKDRILL_FUZZING_ENGINE="$LIB_FUZZING_ENGINE"
cmake --build "$WORK/sockdrill" --target fuzz_targets

# A line each: the program, options of libFuzzer, folders of seeds.
while read -r -a words; do
  "$source/fuzz/oss-fuzz/pack" "${words[@]}"
done < "$WORK/sockdrill/fuzz/targets.txt"
