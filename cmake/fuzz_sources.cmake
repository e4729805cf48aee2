# The fuzzers, and what each of them needs that does not lie in the library: parts of plugins.
file(GLOB FUZZ_SOURCES CONFIGURE_DEPENDS tests/fuzz/*_fuzz.c)
set(FUZZED_web plugins/web_util/request.c plugins/web_util/text.c)
