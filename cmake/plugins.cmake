# plugins/<folder>/*.c becomes DIR/plugins/<folder>/<CamelCase of folder>Plugin.so. A plugin sees our
# headers and nothing else of ours; what it may do comes through the host's table at run time.
file(GLOB PLUGIN_SOURCES CONFIGURE_DEPENDS plugins/*/*.c)
file(GLOB FAMILY_SOURCES CONFIGURE_DEPENDS plugins/family/*.c)
list(REMOVE_ITEM PLUGIN_SOURCES ${FAMILY_SOURCES})
set(PLUGIN_FOLDERS "")
set(PLUGIN_TARGETS "")
foreach(source IN LISTS PLUGIN_SOURCES)
  cmake_path(GET source PARENT_PATH folder)
  list(APPEND PLUGIN_FOLDERS ${folder})
endforeach()
list(REMOVE_DUPLICATES PLUGIN_FOLDERS)

# plugins/family is no plugin: verbs about routes and jobs, for the plugins named here. Each takes in
# those that its table of verbs names; see plugins/family/family.h.
set(FAMILY_PLUGINS
    callback_http_listener
    callback_listener
    callback_tcp_listener
    callback_udp_client
    callback_udp_server
    callback_worker
)
add_library(plugin_family STATIC EXCLUDE_FROM_ALL ${FAMILY_SOURCES})
target_include_directories(plugin_family PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR})
target_compile_definitions(plugin_family PRIVATE _GNU_SOURCE)

foreach(folder IN LISTS PLUGIN_FOLDERS)
  cmake_path(GET folder FILENAME name)
  string(REPLACE "_" ";" words ${name})
  set(camel "")
  foreach(word IN LISTS words)
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND camel ${first}${rest})
  endforeach()

  set(sources ${PLUGIN_SOURCES})
  list(FILTER sources INCLUDE REGEX "/plugins/${name}/[^/]*$")
  add_library(plugin_${name} MODULE ${sources})
  target_include_directories(plugin_${name} PRIVATE ${PROJECT_SOURCE_DIR}/include
                                                    ${PROJECT_SOURCE_DIR})
  target_compile_definitions(plugin_${name} PRIVATE _GNU_SOURCE)
  target_link_libraries(plugin_${name} PRIVATE m)
  if(name IN_LIST FAMILY_PLUGINS)
    target_link_libraries(plugin_${name} PRIVATE plugin_family)
  endif()
  if(NOT CB_SANITIZE AND NOT CB_FUZZ)
    target_link_options(plugin_${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(
    plugin_${name} PROPERTIES PREFIX "" OUTPUT_NAME ${camel}Plugin
                              LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins/${name})
  list(APPEND PLUGIN_TARGETS plugin_${name})
  install(TARGETS plugin_${name} DESTINATION lib/callboard/plugins/${name})
endforeach()

# tls is the one plugin with a library behind it. Without OpenSSL it is there all the same, and says so.
if(CB_OPENSSL)
  file(GLOB TLS_SOURCES CONFIGURE_DEPENDS plugins/tls/openssl/*.c)
  target_link_libraries(plugin_tls PRIVATE OpenSSL::SSL Threads::Threads)
else()
  file(GLOB TLS_SOURCES CONFIGURE_DEPENDS plugins/tls/stub/*.c)
  target_link_libraries(plugin_tls PRIVATE Threads::Threads)
endif()
target_sources(plugin_tls PRIVATE ${TLS_SOURCES})

# script_state keeps what callbacks share behind a lock.
target_link_libraries(plugin_script_state PRIVATE Threads::Threads)
