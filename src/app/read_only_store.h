// The objects of a lake that may be running: read, never changed.
//
// Opening the real store clears its staging folder, which a running lake is writing to; this one touches
// nothing.
// Threads: any.
// Fails: kDenied for whatever would change something; else as store::Store.
#pragma once

#include <filesystem>
#include <memory>

#include "store/store.h"

namespace tarn::app {

std::unique_ptr<store::Store> open_read_only_store(const std::filesystem::path& root);

}  // namespace tarn::app
