# Finds what scripts/setup put onto this machine. It knows where; CMake only asks.

set(muster_setup_for "")
if(MUSTER_SANITIZE STREQUAL thread)
  set(muster_setup_for --tsan)
endif()
execute_process(
  COMMAND bash "${PROJECT_SOURCE_DIR}/scripts/setup" --print-prefix ${muster_setup_for}
  OUTPUT_VARIABLE muster_prefixes
  OUTPUT_STRIP_TRAILING_WHITESPACE
  RESULT_VARIABLE muster_prefixes_missing)
if(NOT muster_prefixes_missing EQUAL 0)
  message(FATAL_ERROR "Dependencies are missing. Run scripts/setup ${muster_setup_for} once, then configure again.")
endif()
string(REPLACE "\n" ";" muster_prefixes "${muster_prefixes}")
# A build folder configured before an update of a dependency must not keep pointing at the old one.
if(NOT "${muster_prefixes}" STREQUAL "${MUSTER_PREFIXES}")
  foreach(name CAF_DIR Catch2_DIR MUSTER_TREESITTER_LIBRARY MUSTER_TREESITTER_INCLUDE)
    unset(${name} CACHE)
  endforeach()
  set(MUSTER_PREFIXES "${muster_prefixes}" CACHE INTERNAL "Install prefixes of the dependencies")
endif()
list(PREPEND CMAKE_PREFIX_PATH ${muster_prefixes})
# A dependency that changes must lead to a new configure run.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
  "${PROJECT_SOURCE_DIR}/scripts/setup" "${PROJECT_SOURCE_DIR}/third_party/package-lock.json"
  "${PROJECT_SOURCE_DIR}/third_party/tree-sitter/core.c")

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(CAF 0.18.7 REQUIRED COMPONENTS core)
find_package(Catch2 3 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(CURL REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(benchmark QUIET)
find_package(PkgConfig REQUIRED)
pkg_check_modules(libuv REQUIRED IMPORTED_TARGET GLOBAL libuv)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET GLOBAL re2)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET GLOBAL libzstd)

find_path(MUSTER_HTTP_PARSER_INCLUDE http_parser.h REQUIRED)
find_library(MUSTER_HTTP_PARSER_LIBRARY http_parser REQUIRED)
add_library(muster_http_parser INTERFACE)
target_include_directories(muster_http_parser SYSTEM INTERFACE "${MUSTER_HTTP_PARSER_INCLUDE}")
target_link_libraries(muster_http_parser INTERFACE "${MUSTER_HTTP_PARSER_LIBRARY}")

# The core and all grammars in one archive; <tree_sitter/grammars.h> declares the grammars.
find_library(MUSTER_TREESITTER_LIBRARY muster_treesitter REQUIRED)
find_path(MUSTER_TREESITTER_INCLUDE tree_sitter/grammars.h REQUIRED)
add_library(muster_treesitter INTERFACE)
target_include_directories(muster_treesitter SYSTEM INTERFACE "${MUSTER_TREESITTER_INCLUDE}")
target_link_libraries(muster_treesitter INTERFACE "${MUSTER_TREESITTER_LIBRARY}")

