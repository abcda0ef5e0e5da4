// The files of managed tables as a principal may see them: whose table a key belongs to, and listings of the
// tables that it may select from wholly.
//
// Keys are <database>/<table>-<8 hex digits>/…, as the catalog makes them; a table's columns and rows can't be
// cut out of its files, so that only the right to the whole table counts (I5).
// Owns: a TableFile its descriptor.
// Threads: as call.h.
// Fails: AccessDenied, NoSuchKey; what the store fails with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doors/aws/s3/call.h"
#include "doors/aws/s3/list_request.h"

namespace tarn::aws::s3 {

// May the caller see anything in the table bucket at all?
S3Result<bool> may_see_tables(const Call& call);

// The table that a key belongs to by its name; nothing: no table's.
std::optional<lake::TableName> table_of_key(std::string_view key);

// A file of a table that the caller may read; asks the guard, with a trail.
S3Result<std::unique_ptr<store::Reader>> open_table_file(Call& call);

// A page of what the caller may read.
S3Result<store::ObjectPage> list_table_files(const Call& call, const ListRequest& request);

}  // namespace tarn::aws::s3
