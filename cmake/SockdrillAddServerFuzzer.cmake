# sockdrill_add_server_fuzzer(NAME SOURCES FILE... SPEAKS NAME|FILE.json [OVER tcp|udp|unix|unix-dgram|unix-seqpacket]
#                             [ARGUMENTS WORD...] [SANITIZE LIST] [LIBRARIES TARGET...])
#
# A libFuzzer program of a C or C++ server with its own, unmodified main(): it runs on the simulated kernel, an input is a
# scenario in compact form. ARGUMENTS are its command line; {port} and {path} are where it is to listen. Clang and GNU ld;
# from an installation also the development files of fmt and pugixml.
# SANITIZE is for the server's own sources; `address` was tried on one that neither forks nor has threads.
#
# With SOCKDRILL_FUZZING_ENGINE set to what OSS-Fuzz and ClusterFuzzLite have in $LIB_FUZZING_ENGINE all flags, sanitizers
# among them, are those of CMAKE_C_FLAGS and CMAKE_CXX_FLAGS; nothing is added to them. The engine is clang's libFuzzer in
# any case, for the server has a main() of its own.
set(SOCKDRILL_FUZZER_LISTS "${CMAKE_CURRENT_LIST_DIR}")

# What is linked with a server: our modules, or, of an installation, the file made of them and what it needs of others.
macro(sockdrill_find_fuzzer_parts heap)
  if(TARGET sockdrill_server_fuzzer)
    set(script_in "${SOCKDRILL_FUZZER_LISTS}/../harness/fuzzer/server_fuzzer.ld.in")
    set(parts sockdrill_server_fuzzer sockdrill_sim_libc sockdrill_simulated_world sockdrill_fuzz sockdrill_judge sockdrill_report)
    if(${heap})
      list(APPEND parts sockdrill_server_heap)
    endif()
  else()
    set(script_in "${SOCKDRILL_FUZZER_LISTS}/server_fuzzer.ld.in")
    if(NOT EXISTS "${SOCKDRILL_FUZZER_FILES}/server_fuzzer.o")
      message(FATAL_ERROR "sockdrill_add_server_fuzzer: ${SOCKDRILL_FUZZER_FILES}/server_fuzzer.o is not installed")
    endif()
    find_package(fmt REQUIRED)
    find_package(pugixml REQUIRED)
    set(parts "${SOCKDRILL_FUZZER_FILES}/server_fuzzer.o" fmt::fmt pugixml::pugixml)
    if(${heap})
      list(APPEND parts "${SOCKDRILL_FUZZER_FILES}/server_heap.o")
    endif()
  endif()
endmacro()

function(sockdrill_add_server_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SPEAKS;OVER;SANITIZE" "SOURCES;ARGUMENTS;LIBRARIES")
  if(arg_UNPARSED_ARGUMENTS OR NOT arg_SOURCES OR NOT arg_SPEAKS)
    message(FATAL_ERROR "sockdrill_add_server_fuzzer(${name}): needs SOURCES and SPEAKS; unknown: '${arg_UNPARSED_ARGUMENTS}'")
  endif()
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR (CMAKE_C_COMPILER_ID AND NOT CMAKE_C_COMPILER_ID STREQUAL "Clang"))
    message(FATAL_ERROR "sockdrill_add_server_fuzzer(${name}): libFuzzer is part of clang; for C and C++, -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  if(SOCKDRILL_FUZZING_ENGINE AND NOT SOCKDRILL_FUZZING_ENGINE STREQUAL "-fsanitize=fuzzer")
    message(FATAL_ERROR "sockdrill_add_server_fuzzer(${name}): the engine '${SOCKDRILL_FUZZING_ENGINE}' cannot be used: expected libFuzzer, -fsanitize=fuzzer")
  endif()
  if(NOT arg_OVER)
    set(arg_OVER tcp)
  endif()
  set(port 7777)
  set(path "/tmp/${name}.sock")
  set(words "\"${name}\"")
  foreach(word IN LISTS arg_ARGUMENTS)
    string(REPLACE "{port}" "${port}" word "${word}")
    string(REPLACE "{path}" "${path}" word "${word}")
    string(APPEND words ", \"${word}\"")
  endforeach()
  if(arg_SPEAKS MATCHES "\\.json$")
    file(READ "${arg_SPEAKS}" speaks)
  else()
    set(speaks "\"${arg_SPEAKS}\"")
  endif()
  set(manifest "{\"name\": \"${name}\", \"command\": [${words}], \"listens\": {\"transport\": \"${arg_OVER}\"}, \"speaks\": ${speaks}}")
  set(about "${CMAKE_CURRENT_BINARY_DIR}/${name}-about/about.cpp")
  file(CONFIGURE OUTPUT "${about}" @ONLY CONTENT "extern const char* const sockdrill_fuzzer_manifest;
extern const unsigned short sockdrill_fuzzer_port;
extern const char* const sockdrill_fuzzer_path;
const char* const sockdrill_fuzzer_manifest = R\"sockdrill(@manifest@)sockdrill\";
const unsigned short sockdrill_fuzzer_port = @port@;
const char* const sockdrill_fuzzer_path = \"@path@\";
")
  set(NAME "${name}")
  set(script "${CMAKE_CURRENT_BINARY_DIR}/${name}-about/server.ld")
  set(flags "${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS}")
  if(arg_SANITIZE AND NOT SOCKDRILL_FUZZING_ENGINE)
    string(APPEND flags " -fsanitize=${arg_SANITIZE}")
  endif()
  set(counts_heap ON)
  if(flags MATCHES "-fsanitize=[^ ]*(address|leak|memory|thread)")  # they have one of their own
    set(counts_heap OFF)
  endif()
  sockdrill_find_fuzzer_parts(counts_heap)
  configure_file("${script_in}" "${script}" @ONLY)

  add_library(${name}-about OBJECT "${about}")
  add_executable(${name} ${arg_SOURCES})
  if(NOT SOCKDRILL_FUZZING_ENGINE)
    set(sanitizers fuzzer-no-link)
    if(arg_SANITIZE)
      string(APPEND sanitizers ",${arg_SANITIZE}")
      target_link_options(${name} PRIVATE "-fsanitize=${arg_SANITIZE}")
    endif()
    target_compile_options(${name} PRIVATE "-fsanitize=${sanitizers}")
  endif()
  include("${SOCKDRILL_FUZZER_LISTS}/FindLibFuzzer.cmake")
  if(NOT SOCKDRILL_LIBFUZZER)
    message(FATAL_ERROR "sockdrill_add_server_fuzzer(${name}): clang's libFuzzer is not installed")
  endif()
  target_link_options(${name} PRIVATE -fuse-ld=bfd "-Wl,-T,${script}" -rdynamic)
  set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS "${script}")
  target_link_libraries(${name} PRIVATE ${name}-about ${parts} ${arg_LIBRARIES} "${SOCKDRILL_LIBFUZZER}" ${CMAKE_DL_LIBS} pthread)
endfunction()
