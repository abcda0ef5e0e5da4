// Access keys: making, switching off, removing, sealing again; when they were used; the root's first one.
#include <algorithm>

#include <fmt/format.h>

#include "access/identities_check.h"
#include "access/identities_store.h"
#include "base/logging.h"

namespace tarn::access {
namespace {

constexpr std::string_view kKeyPrefix = "AKIA";

size_t keys_of(const State& state, std::string_view user) {
  return static_cast<size_t>(
      std::ranges::count_if(state.keys, [&](const auto& item) { return item.second->key.user == user; }));
}

// The root must keep a way in.
Status check_not_the_last_of_root(const State& state, const KeyEntry& key) {
  if (key.key.user != kRoot || !key.key.active || !key.usable) return {};
  bool another = std::ranges::any_of(state.keys, [&](const auto& item) {
    const KeyEntry& other = *item.second;
    return other.key.user == kRoot && other.key.active && other.usable && other.key.id != key.key.id;
  });
  if (another) return {};
  return fail(Code::kConflict,
              fmt::format("access key {} is the root's last active one: create another first", key.key.id));
}

}  // namespace

Result<NewAccessKey> StoredIdentities::add_key(State& next, Rows& rows, std::string_view user,
                                               std::string description, bool untold) const {
  if (user != kRoot && find(next.users, user) == nullptr) return fail(no_such_user(next, user));
  if (user == kAnonymous)
    return fail(Code::kInvalid, "anonymous is who comes without credentials: it can't have access keys");
  TARN_TRY(check_description(description));
  if (keys_of(next, user) >= kKeysOfUserMax)
    return fail(Code::kTooLarge,
                fmt::format("Cannot exceed quota for AccessKeysPerUser: {}", kKeysOfUserMax));
  KeyEntry entry;
  do entry.key.id = new_key_id(kKeyPrefix);
  while (next.keys.contains(entry.key.id));
  entry.key.user = user;
  entry.key.created = clock_.now();
  entry.key.description = std::move(description);
  entry.secret = new_secret_key();
  TARN_ASSIGN(std::string sealed, sealer_.seal(entry.secret, key_purpose(entry.key.id)));
  TARN_TRY(rows.add_key(entry.key, sealed, untold));
  NewAccessKey made{entry.key, entry.secret};
  set_key(next, entry);
  return made;
}

Status StoredIdentities::make_root_key() {
  return change([&](State& next, Rows& rows) -> Status {
    TARN_TRY(add_key(next, rows, kRoot, "made at the first start", /*untold=*/true));
    return {};
  });
}

Result<bool> StoredIdentities::keep_new_root_key(const std::function<Status(const NewAccessKey&)>& keep) {
  std::set<std::string> untold;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    TARN_ASSIGN(untold, Rows(transaction).untold_keys());
    return {};
  }));
  for (const std::string& id : untold) {
    StatePointer state = this->state();
    const KeyEntry* entry = find(state->keys, id);
    if (entry == nullptr || !entry->usable) continue;
    TARN_TRY(keep({entry->key, entry->secret}));
    TARN_TRY(change([&](State&, Rows& rows) { return rows.set_told(id); }));
    return true;
  }
  return false;
}

std::optional<NewAccessKey> StoredIdentities::take_new_root_key() {
  std::optional<NewAccessKey> taken;
  Result<bool> kept = keep_new_root_key([&](const NewAccessKey& key) -> Status {
    taken = key;
    return {};
  });
  if (!kept) TARN_LOG(warn, "the root key may be told again: {}", kept.error().message);
  return taken;
}

Result<NewAccessKey> StoredIdentities::create_key(std::string_view user, std::string description) {
  NewAccessKey made;
  TARN_TRY(change([&](State& next, Rows& rows) -> Status {
    TARN_ASSIGN(made, add_key(next, rows, user, description, /*untold=*/false));
    return {};
  }));
  return made;
}

Status StoredIdentities::set_key_active(std::string_view key_id, bool active) {
  return change([&](State& next, Rows& rows) -> Status {
    const KeyEntry* have = find(next.keys, key_id);
    if (have == nullptr) return fail(no_such_key(key_id));
    if (!active) TARN_TRY(check_not_the_last_of_root(next, *have));
    KeyEntry entry = *have;
    entry.key.active = active;
    TARN_TRY(rows.set_key_active(key_id, active));
    set_key(next, entry);
    return {};
  });
}

Status StoredIdentities::remove_key(std::string_view key_id) {
  return change([&](State& next, Rows& rows) -> Status {
    auto found = next.keys.find(key_id);
    if (found == next.keys.end()) return fail(no_such_key(key_id));
    TARN_TRY(check_not_the_last_of_root(next, *found->second));
    TARN_TRY(rows.remove_key(key_id));
    next.keys.erase(found);
    return {};
  });
}

std::vector<AccessKey> StoredIdentities::keys(std::optional<std::string_view> user) const {
  StatePointer state = this->state();
  std::vector<AccessKey> out;
  for (const auto& [id, entry] : state->keys) {
    if (user && entry->key.user != *user) continue;
    AccessKey key = entry->key;
    key.active = key.active && entry->usable;
    if (int64_t us = entry->last_use->us.load(); us != 0) key.used = Timestamp{us};
    out.push_back(std::move(key));
  }
  return out;
}

Status StoredIdentities::reseal() {
  return change([&](State& next, Rows& rows) -> Status {
    TARN_ASSIGN(std::vector<Rows::SealedKey> keys, rows.sealed_keys());
    for (const Rows::SealedKey& key : keys) {
      if (sealer_.current(key.sealed)) continue;
      const KeyEntry* entry = find(next.keys, key.id);
      if (entry == nullptr) return fail(no_such_key(key.id));
      if (!entry->usable) {
        return fail(Code::kCorrupt,
                    fmt::format("access key {} of {} can't be opened: remove it, then seal again", key.id,
                                entry->key.user));
      }
      TARN_ASSIGN(std::string sealed, sealer_.seal(entry->secret, key_purpose(key.id)));
      TARN_TRY(rows.set_key_sealed(key.id, sealed));
    }
    return {};
  });
}

void StoredIdentities::touch(const KeyEntry& key) const {
  int64_t now = clock_.now().us;
  int64_t before = key.last_use->us.load(std::memory_order_relaxed);
  if (before != 0 && Duration(now - before) < kUsedEvery) return;
  if (!key.last_use->us.compare_exchange_strong(before, now)) return;
  Lock lock(touched_mu_);
  touched_.insert(key.key.id);
}

Status StoredIdentities::flush_used() {
  {
    Lock lock(touched_mu_);
    if (touched_.empty()) return {};
  }
  return change([](State&, Rows&) -> Status { return {}; });
}

}  // namespace tarn::access
