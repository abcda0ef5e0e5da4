// Which delete files concern which data files, by Iceberg's sequence number rules.
//
// A position delete concerns data files that are not newer than it; an equality delete those that are older,
// in its own partition, or in every one when its spec has no partition. Source:
// https://iceberg.apache.org/spec/#scan-planning
// Threads: pure functions.
#pragma once

#include <vector>

#include "lake/table.h"

namespace tarn::lake {

// Indexes into `files` of the delete files that `data` has to be read with, in ascending order.
std::vector<size_t> deletes_for(const TableMetadata& table, const DataFile& data,
                                const std::vector<DataFile>& files);

}  // namespace tarn::lake
