# tests/fuzz/<name>_fuzz.c: a libFuzzer program each, DIR/fuzz/<name>.
include(cmake/fuzz_sources.cmake)
foreach(source IN LISTS FUZZ_SOURCES)
  cmake_path(GET source STEM name)
  string(REGEX REPLACE "_fuzz$" "" name ${name})
  add_executable(fuzz_${name} ${source} ${FUZZED_${name}})
  target_link_libraries(fuzz_${name} PRIVATE callboard_inside)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer,address,undefined)
  set_target_properties(fuzz_${name} PROPERTIES OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY
                                                                    ${PROJECT_BINARY_DIR}/fuzz)
endforeach()
