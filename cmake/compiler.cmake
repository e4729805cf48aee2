# How everything is compiled: C11 without extensions, warnings are errors, assertions always on.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# NDEBUG would switch assert() off; an assertion here states what the code relies on, in releases too.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REGEX REPLACE "[-/]DNDEBUG" "" CMAKE_C_FLAGS_${kind} "${CMAKE_C_FLAGS_${kind}}")
endforeach()
string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE} -g")

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wconversion -Wpedantic)

if(CB_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(CB_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(CB_SANITIZE)
  message(FATAL_ERROR "CB_SANITIZE is \"${CB_SANITIZE}\"; it may be address or thread")
endif()

if(CB_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "CB_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

# What is shipped and measured is optimised across files (gcc); the objects hold plain code as well, so
# that tests link as fast as without.
set(CB_ACROSS_FILES OFF)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT CB_SANITIZE)
  set(CB_ACROSS_FILES ON)
endif()

# Objects that can be linked either way.
function(cb_compile_across_files target)
  if(CB_ACROSS_FILES)
    target_compile_options(${target} PRIVATE -flto=auto -ffat-lto-objects)
  endif()
endfunction()

# A program or library that is linked from them in the slow way.
function(cb_link_across_files target)
  if(CB_ACROSS_FILES)
    target_link_options(${target} PRIVATE -flto=auto)
  endif()
endfunction()

# A program that is linked from their plain code: gcc would take the slow way by itself.
function(cb_link_file_by_file target)
  if(CB_ACROSS_FILES)
    target_link_options(${target} PRIVATE -fno-lto)
  endif()
endfunction()

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()
