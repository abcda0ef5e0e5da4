// The tables of objects in the metastore; docs/formats/objects.md explains each column.
//
// Shapes: keys are TEXT compared by their bytes. Times are microseconds since 1970. Places of bytes are a pair
// of columns: `blob` (id of a file) or `inline_id` (row of object_bytes), both NULL where there are no bytes.
// Threads: constants.
#pragma once

#include <span>

#include "meta/metastore.h"

namespace tarn::store {

// The part "objects".
std::span<const meta::Migration> object_migrations();

}  // namespace tarn::store
