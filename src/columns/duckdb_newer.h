// The few functions of DuckDB's C API that are newer than the header we can get (1.4.4) and that
// libduckdb 1.5.5 has.
//
// Source: the symbols that libduckdb.so exports; signatures as in DuckDB's own header of that version.
#pragma once

#include <duckdb.h>

extern "C" {
// As duckdb_vector_assign_string_element_len, without its check that the bytes are UTF-8.
void duckdb_unsafe_vector_assign_string_element_len(duckdb_vector vector, idx_t index, const char* text,
                                                    idx_t text_bytes);
}
