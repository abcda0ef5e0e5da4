// Fields inside structs whose names moved: which tables have them, and what each file calls them.
//
// DuckDB finds top-level columns by field id and nested ones by name. That is right as long as in all of the
// table's schemas a nested name always meant the same field; otherwise each file's own names are read from
// its footer.
// Threads: names_moved() and physical_type() are pure; read_file_names() opens a small DuckDB of its own.
// Fails: kIo, kCorrupt as DuckDB does for a footer that can't be read.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "columns/type.h"
#include "lake/table.h"

namespace tarn::lake {

// True when reading `column` (one of today's) by nested names could go wrong for files of an older schema.
bool names_moved(const TableMetadata& table, const columns::Field& column);

// True when in all of the table's schemas the columns of `schema`, at any depth, have their names and types
// of today, and nobody else had those names: then a file that has them all can be read by name.
bool always_so_named(const TableMetadata& table, const columns::Schema& schema);

using FileNames = std::map<int, std::string>;  // field id → its name in one file

// In the order of `files`, which are what DuckDB can open.
Result<std::vector<FileNames>> read_file_names(const std::vector<std::string>& files);

// The column as a file has it: its nested fields that are in the file, under the file's names. Nothing: not
// there.
std::optional<columns::Type> physical_type(const TableMetadata& table, const columns::Field& column,
                                           const FileNames& names);

}  // namespace tarn::lake
