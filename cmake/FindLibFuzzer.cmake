# sockdrill_find_runtime(NAME VARIABLE): an archive of clang's compiler-rt; empty: it is not installed.
# SOCKDRILL_LIBFUZZER: libFuzzer without its main(), one of them. It stands on its own, so whatever compiler is used can link it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(SOCKDRILL_CLANGXX "${CMAKE_CXX_COMPILER}")
else()
  find_program(SOCKDRILL_CLANGXX NAMES clang++ clang++-19 clang++-18 clang++-17 clang++-16 clang++-15 clang++-14)
endif()

function(sockdrill_find_runtime name variable)
  set(${variable} "" PARENT_SCOPE)
  if(NOT SOCKDRILL_CLANGXX)
    return()
  endif()
  string(MAKE_C_IDENTIFIER "SOCKDRILL_RUNTIME_${name}_${SOCKDRILL_CLANGXX}" known)  # asked once, for many servers
  if(EXISTS "${${known}}")
    set(${variable} "${${known}}" PARENT_SCOPE)
    return()
  endif()
  # Distributions have a folder for all machines, LLVM's own builds one for each.
  foreach(archive "libclang_rt.${name}-${CMAKE_SYSTEM_PROCESSOR}.a" "libclang_rt.${name}.a")
    execute_process(COMMAND "${SOCKDRILL_CLANGXX}" "-print-file-name=${archive}" OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(NOT IS_ABSOLUTE "${found}" OR NOT EXISTS "${found}")
      execute_process(COMMAND "${SOCKDRILL_CLANGXX}" -print-runtime-dir OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE)
      set(found "${folder}/${archive}")
    endif()
    if(EXISTS "${found}")
      set("${known}" "${found}" CACHE INTERNAL "")
      set(${variable} "${found}" PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

sockdrill_find_runtime(fuzzer_no_main SOCKDRILL_LIBFUZZER)
