# Every test that CTest runs, found by where its file lies.

# What a test may want to know of its surroundings.
set(CB_TEST_ENVIRONMENT "CALLBOARD=${PROJECT_BINARY_DIR}/bin/callboard"
                        "CALLBOARD_PLUGIN_PATH=${PROJECT_BINARY_DIR}/plugins"
                        "CALLBOARD_BUILD=${PROJECT_BINARY_DIR}"
                        "CALLBOARD_SOURCE=${PROJECT_SOURCE_DIR}"
                        "CALLBOARD_SANITIZER=${CB_SANITIZE}")
if(CB_SANITIZE STREQUAL "thread")
  list(APPEND CB_TEST_ENVIRONMENT
       "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
endif()

# Programs in which calls of our own code that take memory can be made to fail, by
# tests/unit/scarce_memory.h.
set(CB_SCARCE_MEMORY mailbox_memory_test outbox_test shell_memory_test runtime_memory_test)
function(cb_scarce_memory target)
  foreach(name malloc calloc realloc pthread_create zmq_socket zmq_send)
    target_link_options(${target} PRIVATE -Wl,--wrap=${name})
  endforeach()
endfunction()

# tests/<folder>/*_test.c: one CUnit program each; other .c files beside them are shared helpers.
foreach(folder unit sim)
  file(GLOB helpers CONFIGURE_DEPENDS tests/${folder}/*.c)
  set(programs ${helpers})
  list(FILTER programs INCLUDE REGEX "_test\\.c$")
  list(FILTER helpers EXCLUDE REGEX "_test\\.c$")
  set(support callboard_inside PkgConfig::CUNIT)
  # What makes certificates or speaks TLS itself.
  if(CB_OPENSSL)
    list(APPEND support OpenSSL::SSL)
  else()
    list(FILTER helpers EXCLUDE REGEX "/tls_(certificates|[a-z]+_test)[.]c$")
    list(FILTER programs EXCLUDE REGEX "/tls_(certificates|[a-z]+_test)[.]c$")
  endif()
  if(helpers)
    add_library(${folder}_support STATIC ${helpers})
    target_link_libraries(${folder}_support PUBLIC ${support})
    set(support ${folder}_support)
  endif()
  foreach(source IN LISTS programs)
    cmake_path(GET source STEM name)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${support})
    cb_link_file_by_file(${name})
    if(name IN_LIST CB_SCARCE_MEMORY)
      cb_scarce_memory(${name})
    endif()
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                             ${PROJECT_BINARY_DIR}/tests/${folder})
    add_test(NAME ${folder}_${name} COMMAND ${name})
    set_tests_properties(${folder}_${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
                                                      "${CB_TEST_ENVIRONMENT}")
  endforeach()
endforeach()

# tests/embed: a program that has the shared library and its public headers, and nothing else.
add_executable(embed_test tests/embed/embed_test.c)
target_include_directories(embed_test PRIVATE include)
target_link_libraries(embed_test PRIVATE callboard_shared PkgConfig::CUNIT)
set_target_properties(embed_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                            ${PROJECT_BINARY_DIR}/tests/embed)
add_test(NAME embed COMMAND embed_test)
set_tests_properties(embed PROPERTIES TIMEOUT 600 ENVIRONMENT "${CB_TEST_ENVIRONMENT}")

# tests/plugins_bad/<name>.c: DIR/tests/plugins_bad/<name>.so, what the host must refuse.
if(EXISTS ${PROJECT_SOURCE_DIR}/tests/plugins_bad/CMakeLists.txt)
  add_subdirectory(tests/plugins_bad)
endif()

# tests/fuzz/*_fuzz.c: every kept input once more, without a fuzzing engine.
include(cmake/fuzz_sources.cmake)
if(FUZZ_SOURCES AND NOT CB_FUZZ)
  foreach(source IN LISTS FUZZ_SOURCES)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "_fuzz$" "" corpus ${name})
    add_executable(replay_${corpus} ${source} ${FUZZED_${corpus}} tests/fuzz/replay.c)
    target_link_libraries(replay_${corpus} PRIVATE callboard_inside)
    cb_link_file_by_file(replay_${corpus})
    set_target_properties(replay_${corpus} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                                                      ${PROJECT_BINARY_DIR}/tests/fuzz)
    add_test(NAME fuzz_${corpus} COMMAND replay_${corpus}
                                         ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${corpus})
    set_tests_properties(fuzz_${corpus} PROPERTIES TIMEOUT 600)
  endforeach()
endif()

# tests/script/<folder>/**.dom: one test a folder; see tests/script/README.md.
file(GLOB_RECURSE SCRIPTS CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/tests/script
     tests/script/*.dom)
list(TRANSFORM SCRIPTS REPLACE "/.*" "")
list(REMOVE_DUPLICATES SCRIPTS)
foreach(folder IN LISTS SCRIPTS)
  add_test(NAME script_${folder}
           COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/script/run_scripts.py
                   ${PROJECT_SOURCE_DIR}/tests/script/${folder})
  set_tests_properties(script_${folder} PROPERTIES TIMEOUT 300 PROCESSORS 2 ENVIRONMENT
                                                   "${CB_TEST_ENVIRONMENT}")
endforeach()

# tests/system/*.sh, *.py: whole programs talking to each other.
file(GLOB SYSTEM_TESTS CONFIGURE_DEPENDS tests/system/*.sh tests/system/*.py)
foreach(file IN LISTS SYSTEM_TESTS)
  cmake_path(GET file STEM name)
  if(file MATCHES "\\.py$")
    set(interpreter Python3::Interpreter)
  else()
    set(interpreter bash)
  endif()
  add_test(NAME system_${name} COMMAND ${interpreter} ${file})
  # Clients, servers and time limits: nothing else should want the processors meanwhile.
  set_tests_properties(system_${name} PROPERTIES TIMEOUT 300 PROCESSORS 2 ENVIRONMENT
                                                 "${CB_TEST_ENVIRONMENT}")
endforeach()

# A part of the tests of the ground floors under valgrind; `./dev test --valgrind`. Left out are
# those that use up all descriptors or measure time closely, which valgrind does not let them do.
if(CB_VALGRIND)
  set(without_nbio_loop_test timers_fire_in_order_and_never_early)
  set(without_nbio_ahead_test out_of_descriptors_is_told_and_passes)
  set(without_nbio_connection_test out_of_descriptors_is_reported_once
      ten_thousand_accepts_against_a_limit)
  set(without_nbio_corner_test buffers_of_more_than_four_gib_are_no_empty_ones)
  set(without_nbio_random_test whatever_is_done_each_op_reports_once)
  set(without_tcp_transfer_test much_in_writes_of_one_byte much_in_writes_of_odd_sizes)
  set(without_tcp_trouble_test a_server_out_of_descriptors_rests_and_recovers)
  set(programs nbio_loop_test nbio_transfer_test nbio_connection_test nbio_failure_test
      nbio_files_test nbio_ahead_test nbio_corner_test nbio_random_test tcp_life_test
      tcp_transfer_test tcp_tls_test tcp_corner_test tcp_random_test tcp_server_test
      tcp_trouble_test)
  add_custom_target(valgrind_programs DEPENDS ${programs})
  foreach(name IN LISTS programs)
    add_test(NAME valgrind_${name}
             COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/valgrind/clean.py
                     $<TARGET_FILE:${name}> ${without_${name}})
    set_tests_properties(valgrind_${name} PROPERTIES TIMEOUT 600 ENVIRONMENT
                                                     "${CB_TEST_ENVIRONMENT}")
  endforeach()
endif()

# tests/browser/*.py: the examples in a browser; `./dev test --browser`.
if(CB_BROWSER)
  file(GLOB BROWSER_TESTS CONFIGURE_DEPENDS tests/browser/*.py)
  foreach(file IN LISTS BROWSER_TESTS)
    cmake_path(GET file STEM name)
    add_test(NAME browser_${name} COMMAND Python3::Interpreter ${file})
    set_tests_properties(
      browser_${name}
      PROPERTIES TIMEOUT 300 PROCESSORS 2
                 ENVIRONMENT
                 "${CB_TEST_ENVIRONMENT};PYTHONPATH=${PROJECT_SOURCE_DIR}/tests/system")
  endforeach()
endif()

# tests/mutate: what ./dev mutate does, and a fixed set of mutants that tests must notice.
add_test(NAME mutate_operators
         COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/mutate/mutate_test.py)
add_test(NAME mutate_known COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/mutate/known.py
                                   ${PROJECT_BINARY_DIR})
set_tests_properties(mutate_operators mutate_known PROPERTIES TIMEOUT 300 ENVIRONMENT
                                                              "${CB_TEST_ENVIRONMENT}")

if(EXISTS ${PROJECT_SOURCE_DIR}/tests/tidy/tidy.py)
  add_test(NAME tidy COMMAND Python3::Interpreter ${PROJECT_SOURCE_DIR}/tests/tidy/tidy.py
                             ${PROJECT_SOURCE_DIR})
  add_test(NAME tidy_rooms COMMAND Python3::Interpreter
                                   ${PROJECT_SOURCE_DIR}/tests/tidy/rooms_test.py)
endif()
