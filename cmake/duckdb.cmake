# libduckdb, prebuilt, and its C header: fetched by tools/fetch_duckdb.sh into build/deps and checked by checksum.
set(DUCKDB_DIR "${CMAKE_SOURCE_DIR}/build/deps/duckdb" CACHE PATH "Where libduckdb.so and duckdb.h are")
if(NOT EXISTS "${DUCKDB_DIR}/libduckdb.so" OR NOT EXISTS "${DUCKDB_DIR}/duckdb.h")
  execute_process(COMMAND "${CMAKE_SOURCE_DIR}/tools/fetch_duckdb.sh" "${DUCKDB_DIR}" RESULT_VARIABLE fetched)
  if(NOT fetched EQUAL 0)
    message(FATAL_ERROR "libduckdb is missing in ${DUCKDB_DIR} and could not be fetched: see above. "
                        "Run tools/fetch_duckdb.sh ${DUCKDB_DIR} on a machine with npm.")
  endif()
endif()
add_library(duckdb SHARED IMPORTED)
set_target_properties(duckdb PROPERTIES IMPORTED_LOCATION "${DUCKDB_DIR}/libduckdb.so"
                                        IMPORTED_NO_SONAME ON)
target_include_directories(duckdb SYSTEM INTERFACE "${DUCKDB_DIR}")
