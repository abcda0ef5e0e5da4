#include "lake/delete_files.h"

namespace tarn::lake {

std::vector<size_t> deletes_for(const TableMetadata& table, const DataFile& data,
                                const std::vector<DataFile>& files) {
  std::vector<size_t> out;
  for (size_t i = 0; i < files.size(); ++i) {
    const DataFile& file = files[i];
    if (file.content == FileContent::kPositionDeletes && data.sequence_number <= file.sequence_number)
      out.push_back(i);
    if (file.content != FileContent::kEqualityDeletes || data.sequence_number >= file.sequence_number)
      continue;
    const PartitionSpec* spec = table.spec(file.spec_id);
    bool everywhere = spec != nullptr && spec->fields.empty();
    if (everywhere || (file.spec_id == data.spec_id && file.partition == data.partition)) out.push_back(i);
  }
  return out;
}

}  // namespace tarn::lake
