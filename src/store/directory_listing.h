// The objects of a bucket's folder in the order of their keys, which is not the order of their file names.
//
// Threads: pure but for reading the folder; objects may come and go meanwhile, each is seen as it is at one
// moment.
// Fails: kIo; a folder that is gone has no objects.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "store/store.h"

namespace tarn::store {

Result<Listing> list_folder(FileSystem& files, const std::filesystem::path& bucket_folder,
                            std::string_view prefix, std::string_view start_after, size_t limit);

// Size and time of an object's file. kNotFound when it is not there or no file.
Result<ObjectInfo> file_info(const std::filesystem::path& path, std::string_view key);

}  // namespace tarn::store
