// The directory store on a file system of the caller's choice: for tests that put a faulty disk under it.
//
// Owns: nothing. The file system must outlive the store.
// Fails: as open_directory_store in store.h.
#pragma once

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "store/store.h"

namespace tarn::store {

Result<std::unique_ptr<Store>> open_directory_store(const std::filesystem::path& root, FileSystem& files);

}  // namespace tarn::store
