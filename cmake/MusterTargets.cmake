# Functions that turn folders into targets.

# muster_glob(OUT PATTERN...): files under the source tree, recursive, looked for again at every build.
function(muster_glob out)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/")
  file(GLOB_RECURSE found CONFIGURE_DEPENDS ${ARGN})
  set(${out} "${found}" PARENT_SCOPE)
endfunction()

# muster_library(NAME FOLDER [EXTRA FILE...] [EXCLUDE FILE...] [LINK TARGET...])
# A static library of the folder's sources, or an interface library while there are none. Files in EXTRA
# may be missing. Libraries in LINK may be named before they exist.
function(muster_library name folder)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "EXTRA;EXCLUDE;LINK")
  muster_glob(sources "${folder}/*.cpp" ${arg_EXTRA})
  list(TRANSFORM arg_EXCLUDE PREPEND "${PROJECT_SOURCE_DIR}/")
  if(arg_EXCLUDE)
    list(REMOVE_ITEM sources ${arg_EXCLUDE})
  endif()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC muster_flags ${arg_LINK})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE muster_flags ${arg_LINK})
  endif()
endfunction()

# muster_embed(NAME PATTERN...): a library with the content of data files (config/embedded.hpp).
function(muster_embed name)
  muster_glob(files ${ARGN})
  list(TRANSFORM files REPLACE "^${PROJECT_SOURCE_DIR}/" "" OUTPUT_VARIABLE paths)
  list(JOIN paths "\n" lines)
  set(list "${PROJECT_BINARY_DIR}/generated/${name}.list")
  set(source "${PROJECT_BINARY_DIR}/generated/${name}.cpp")
  file(CONFIGURE OUTPUT "${list}" CONTENT "${lines}\n" @ONLY)
  add_custom_command(OUTPUT "${source}"
    COMMAND "${CMAKE_COMMAND}" "-DROOT=${PROJECT_SOURCE_DIR}" "-DLIST=${list}" "-DOUTPUT=${source}"
      -P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS ${files} "${list}" "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    COMMENT "Embedding configuration" VERBATIM)
  add_library(${name} STATIC "${source}")
  target_link_libraries(${name} PUBLIC muster_flags)
endfunction()

# muster_adapters(FOLDER): muster_adapter_<name> for each subfolder with sources or headers, each linked with
# muster_link_<name>. Sets MUSTER_ADAPTERS to all of them.
function(muster_adapters folder)
  muster_glob(files "${folder}/*.cpp" "${folder}/*.hpp")
  set(names "")
  foreach(file IN LISTS files)
    if(file MATCHES "^${PROJECT_SOURCE_DIR}/${folder}/([^/]+)/")
      list(APPEND names "${CMAKE_MATCH_1}")
    endif()
  endforeach()
  list(REMOVE_DUPLICATES names)
  set(targets "")
  foreach(name IN LISTS names)
    list(APPEND targets muster_adapter_${name})
  endforeach()
  foreach(name IN LISTS names)
    set(link ${muster_link_${name}})
    # An adapter below this one may not be written yet.
    foreach(item IN LISTS link)
      if(item MATCHES "^muster_adapter_" AND NOT item IN_LIST targets)
        list(REMOVE_ITEM link ${item})
      endif()
    endforeach()
    muster_library(muster_adapter_${name} "${folder}/${name}"
      LINK ${link} muster_core muster_ports muster_messages muster_config)
  endforeach()
  set(MUSTER_ADAPTERS ${targets} PARENT_SCOPE)
endfunction()

# muster_test(NAME LABEL TIMEOUT SOURCES... LINK TARGET... [ONLY TEST_SPEC])
function(muster_test name label timeout)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "ONLY" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE muster_test_support ${arg_LINK} Catch2::Catch2WithMain)
  target_compile_definitions(${name} PRIVATE
    MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  # Half the time of an instrumented compile is its optimiser's; what is tested is optimised all the same.
  if(MUSTER_SANITIZE MATCHES "address")
    target_compile_options(${name} PRIVATE -O0)
  endif()
  catch_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_PREFIX "${label}: "
    TEST_SPEC ${arg_ONLY}
    WORKING_DIRECTORY "${PROJECT_BINARY_DIR}"
    PROPERTIES TIMEOUT ${timeout} LABELS "${label}" SKIP_RETURN_CODE 4)
endfunction()

# muster_tests(FOLDER): an executable for each subfolder, and for each subfolder of adapters/.
function(muster_tests folder)
  include(Catch)
  muster_library(muster_test_support "${folder}/support"
    LINK muster_core muster_ports CAF::core Catch2::Catch2)
  get_target_property(type muster_test_support TYPE)
  if(type STREQUAL STATIC_LIBRARY)
    target_compile_definitions(muster_test_support PRIVATE
      MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  endif()

  set(no_tests support scenarios fixtures data sim crash soak heap opencode ast_grep)
  # What ThreadSanitizer looks at, beside the adapters. Elsewhere (core, the simulator) there is one thread; the crash
  # matrix kills whatever could report. Of the program's own tests those with the tag [threads]: the others have no more
  # threads, and take long.
  set(threads_tests actors e2e)
  set(threads_only_e2e "[threads]")
  # What a folder is linked with; the others are linked with everything.
  set(link_core muster_core)
  set(link_ports muster_ports)
  set(link_messages muster_messages)
  set(link_config muster_config)
  set(link_actors muster_actors muster_adapter_io muster_adapter_store)  # with threads_test.cpp's real ports

  muster_glob(files "${folder}/*.cpp")
  set(names "")
  foreach(file IN LISTS files)
    if(file MATCHES "^${PROJECT_SOURCE_DIR}/${folder}/adapters/([^/]+)/")
      set(name adapter_${CMAKE_MATCH_1})
      set(link_${name} muster_adapter_${CMAKE_MATCH_1})
      if(NOT TARGET ${link_${name}})
        continue()
      endif()
    elseif(file MATCHES "^${PROJECT_SOURCE_DIR}/${folder}/([^/]+)/")
      set(name ${CMAKE_MATCH_1})
      if(name IN_LIST no_tests)
        continue()
      endif()
      if(MUSTER_SANITIZE STREQUAL thread AND NOT name IN_LIST threads_tests)
        continue()
      endif()
    else()
      continue()
    endif()
    list(APPEND names ${name})
    list(APPEND sources_${name} "${file}")
  endforeach()
  list(REMOVE_DUPLICATES names)
  foreach(name IN LISTS names)
    if(NOT DEFINED link_${name})
      set(link_${name} muster_boot)
    endif()
    set(only "")
    if(MUSTER_SANITIZE STREQUAL thread)
      set(only "${threads_only_${name}}")
    endif()
    set(timeout 120)
    if(name STREQUAL e2e)
      set(timeout 300)
    endif()
    if(MUSTER_SANITIZE)
      math(EXPR timeout "3 * ${timeout}")
    endif()
    muster_test(muster_test_${name} ${name} ${timeout} SOURCES ${sources_${name}} LINK ${link_${name}}
      ONLY ${only})
  endforeach()
  # These start the program itself, one of them on an npm package.
  if(TARGET muster_test_e2e)
    execute_process(
      COMMAND bash "${PROJECT_SOURCE_DIR}/scripts/setup" --print-test-packages
      OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    target_compile_definitions(muster_test_e2e PRIVATE MUSTER_TEST_PACKAGES="${packages}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
      "${PROJECT_SOURCE_DIR}/third_party/minimist/package-lock.json")
  endif()
  # These talk to a real language server, an npm package as well.
  if(TARGET muster_test_adapter_lsp)
    execute_process(
      COMMAND bash "${PROJECT_SOURCE_DIR}/scripts/setup" --print-lsp
      OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    target_compile_definitions(muster_test_adapter_lsp PRIVATE MUSTER_LSP_PACKAGES="${packages}")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
      "${PROJECT_SOURCE_DIR}/third_party/lsp/package-lock.json")
  endif()
  if(TARGET muster_test_e2e AND TARGET muster)
    add_dependencies(muster_test_e2e muster)
  endif()
  if(TARGET muster AND NOT MUSTER_SANITIZE STREQUAL thread)
    muster_crash_matrix("${folder}")
    if(NOT MUSTER_SANITIZE)  # they measure memory
      muster_soak("${folder}")
      muster_heap("${folder}")
    endif()
    muster_opencode_tests("${folder}/opencode")
    if(NOT MUSTER_SANITIZE)
      muster_ast_grep_test("${folder}/ast_grep")
      muster_page_tests("${folder}/pages")
    endif()
  endif()
endfunction()

# muster_opencode_tests(FOLDER): each *_test.mjs is a test: the plugin in the real OpenCode, run by Node.
function(muster_opencode_tests folder)
  find_program(MUSTER_NODE NAMES node nodejs)
  execute_process(
    COMMAND bash "${PROJECT_SOURCE_DIR}/scripts/setup" --print-opencode
    OUTPUT_VARIABLE opencode OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/third_party/opencode/package-lock.json")
  muster_glob(files "${folder}/*_test.mjs")
  # Under a sanitizer it is the engine that is tested, not how OpenCode loads the plugin.
  if(MUSTER_SANITIZE)
    list(FILTER files INCLUDE REGEX "/protocol_test.mjs$")
  endif()
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    string(REPLACE "_test" "" name "${name}")
    add_test(NAME "opencode: ${name}"
      COMMAND "${MUSTER_NODE}" --test --test-reporter=spec "${file}")
    set_tests_properties("opencode: ${name}" PROPERTIES TIMEOUT 900 LABELS opencode
      ENVIRONMENT "MUSTER_BINARY=${PROJECT_BINARY_DIR}/muster;MUSTER_SOURCE_DIR=${PROJECT_SOURCE_DIR};MUSTER_OPENCODE_BINARY=${opencode}")
  endforeach()
endfunction()

# muster_page_tests(FOLDER): each *_test.mjs is a test: what is made for browsers, in a headless Chromium.
function(muster_page_tests folder)
  find_program(MUSTER_NODE NAMES node nodejs)
  find_program(MUSTER_CHROMIUM NAMES chromium REQUIRED)
  muster_glob(files "${folder}/*_test.mjs")
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    string(REPLACE "_test" "" name "${name}")
    add_test(NAME "pages: ${name}" COMMAND "${MUSTER_NODE}" --test --test-reporter=spec "${file}")
    set_tests_properties("pages: ${name}" PROPERTIES TIMEOUT 300 LABELS pages
      ENVIRONMENT "MUSTER_BINARY=${PROJECT_BINARY_DIR}/muster;MUSTER_CHROMIUM=${MUSTER_CHROMIUM}")
  endforeach()
endfunction()

# muster_ast_grep_test(FOLDER): structural search beside the real ast-grep.
function(muster_ast_grep_test folder)
  find_program(MUSTER_NODE NAMES node nodejs)
  execute_process(
    COMMAND bash "${PROJECT_SOURCE_DIR}/scripts/setup" --print-ast-grep
    OUTPUT_VARIABLE packages OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    "${PROJECT_SOURCE_DIR}/third_party/ast-grep/package-lock.json")
  add_test(NAME "ast_grep: structural search finds what ast-grep finds"
    COMMAND "${MUSTER_NODE}" --test --test-reporter=spec "${PROJECT_SOURCE_DIR}/${folder}/compare_test.mjs")
  set_tests_properties("ast_grep: structural search finds what ast-grep finds" PROPERTIES TIMEOUT 600 LABELS ast_grep
    ENVIRONMENT "MUSTER_BINARY=${PROJECT_BINARY_DIR}/muster;MUSTER_SOURCE_DIR=${PROJECT_SOURCE_DIR};MUSTER_AST_GREP=${packages}/@ast-grep/cli-linux-x64-gnu/ast-grep;MUSTER_AST_GREP_PACKAGES=${packages}")
endfunction()

# muster_crash_matrix(FOLDER): the program that kills the program, and its run in CI.
function(muster_crash_matrix folder)
  muster_glob(sources "${folder}/crash/*.cpp")
  foreach(name program sandbox script)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/${folder}/e2e/${name}.cpp")
  endforeach()
  add_executable(muster_crash_matrix ${sources})
  target_link_libraries(muster_crash_matrix PRIVATE
    muster_adapter_store muster_adapter_process CLI11::CLI11 util)
  target_compile_definitions(muster_crash_matrix PRIVATE
    MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  add_dependencies(muster_crash_matrix muster)
  # Under a sanitizer the same bugs show in fewer cuts, each of which takes longer.
  set(cuts 300)
  if(MUSTER_SANITIZE)
    set(cuts 30)
  endif()
  if(MUSTER_FAULTS)
    add_test(NAME "crash: D1 D2 ${cuts} cuts" COMMAND muster_crash_matrix --cuts ${cuts} --jobs 2)
    set_tests_properties("crash: D1 D2 ${cuts} cuts" PROPERTIES
      TIMEOUT 1200 LABELS crash PROCESSORS 2)
  endif()
endfunction()

# muster_soak(FOLDER): the program that runs the program for a long time, and kills it by hand.
function(muster_soak folder)
  muster_glob(sources "${folder}/soak/*.cpp")
  foreach(name crash/compare crash/place e2e/program e2e/sandbox e2e/script)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/${folder}/${name}.cpp")
  endforeach()
  add_executable(muster_soak ${sources})
  target_link_libraries(muster_soak PRIVATE
    muster_adapter_store muster_adapter_process CLI11::CLI11 util)
  target_compile_definitions(muster_soak PRIVATE
    MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  add_dependencies(muster_soak muster)
endfunction()

# muster_heap(FOLDER): sessions in one process, round after round, and its heap between them.
function(muster_heap folder)
  muster_glob(sources "${folder}/heap/*.cpp")
  foreach(name benchmarks/macro/server tests/e2e/program tests/e2e/sandbox tests/e2e/script)
    list(APPEND sources "${PROJECT_SOURCE_DIR}/${name}.cpp")
  endforeach()
  add_executable(muster_heap ${sources})
  target_link_libraries(muster_heap PRIVATE muster_boot util)
  target_compile_definitions(muster_heap PRIVATE
    MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  add_dependencies(muster_heap muster)
endfunction()

# muster_simulator(FOLDER): muster_sim, the whole engine under virtual time, and what it must pass. Fewer seeds:
# $MUSTER_SIM_SEEDS.
function(muster_simulator folder)
  muster_glob(sources "${folder}/*.cpp")
  if(NOT sources OR MUSTER_SANITIZE STREQUAL thread)
    return()
  endif()
  add_executable(muster_sim ${sources})
  target_link_libraries(muster_sim PRIVATE muster_test_support muster_boot)
  foreach(first 1 501 1001 1501)
    muster_simulation("500 seeds from ${first} of at most 20 agents" --seed ${first} --seeds 500 --agents 20)
  endforeach()
  muster_simulation("300 seeds of 3 missions" --seed 5001 --seeds 300 --missions 3 --agents 8)
  muster_simulation("500 seeds of agents that do good work only" --seed 7001 --seeds 500 --agents 20 --tame)
  # Minutes each under a sanitizer, which sees nothing there that it does not see in the others.
  if(NOT MUSTER_SANITIZE)
    muster_simulation("5 seeds of 1000 agents" --seed 1 --seeds 5 --agents 1000)
    muster_simulation("planted bugs are found, made smaller and come again" --self-test)
  endif()
  muster_simulation("stopped at every event of a mission of 50 sessions"
    --seed 4 --agents 20 --tasks 10 --faults interleave --stop-everywhere)
endfunction()

# muster_simulation(NAME ARGUMENT...): one test.
function(muster_simulation name)
  add_test(NAME "sim: ${name}" COMMAND muster_sim ${ARGN})
  set_tests_properties("sim: ${name}" PROPERTIES TIMEOUT 900 LABELS sim)
endfunction()

# muster_benchmark(NAME): muster_bench_<NAME> from benchmarks/<NAME>.
function(muster_benchmark name)
  muster_glob(sources "benchmarks/${name}/*.cpp")
  if(sources)
    add_executable(muster_bench_${name} ${sources})
    target_link_libraries(muster_bench_${name} PRIVATE muster_boot benchmark::benchmark benchmark::benchmark_main)
    target_compile_definitions(muster_bench_${name} PRIVATE
      MUSTER_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MUSTER_BINARY="${PROJECT_BINARY_DIR}/muster")
  endif()
endfunction()
