#include "access/identities_store.h"

#include <openssl/crypto.h>

#include "access/identities_check.h"
#include "access/scram.h"
#include "base/logging.h"

namespace tarn::access {
namespace {

constexpr std::string_view kAnyText = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr size_t kProcessKeyLength = 43;  // 256 bits

}  // namespace

OpenedToken::~OpenedToken() {
  OPENSSL_cleanse(token.secret.data(), token.secret.size());
}

StoredIdentities::StoredIdentities(meta::Metastore& metastore, Sealer& sealer, const Clock& clock)
    : metastore_(metastore),
      sealer_(sealer),
      clock_(clock),
      process_key_(random_text(kProcessKeyLength, kAnyText)),
      nobody_(make_verifier(random_text(kProcessKeyLength, kAnyText))),
      state_(std::make_shared<const State>()) {}

StoredIdentities::~StoredIdentities() {
  if (Status flushed = flush_used(); !flushed)
    TARN_LOG(warn, "when access keys were used last could not be written: {}", flushed.error().message);
}

Status StoredIdentities::start() {
  TARN_TRY(metastore_.migrate(access_migrations()));
  {
    Lock lock(change_mu_);
    TARN_TRY(reload());
  }
  bool there = false;
  bool usable = false;
  StatePointer state = this->state();
  for (const auto& [id, key] : state->keys) {
    if (key->key.user != kRoot) continue;
    there = true;
    usable = usable || key->usable;
  }
  if (!there) return make_root_key();
  if (usable) return {};
  return fail(Code::kCorrupt,
              "the root's access keys can't be opened: restore the file of the keys that secrets are sealed "
              "with (secret.key), as it was when they were made");
}

StoredIdentities::StatePointer StoredIdentities::state() const {
  Lock lock(mu_);
  return state_;
}

void StoredIdentities::publish(State next) {
  auto pointer = std::make_shared<const State>(std::move(next));
  Lock lock(mu_);
  state_.swap(pointer);  // the old one goes after the lock
}

Status StoredIdentities::reload() {
  State loaded;
  TARN_TRY(metastore_.read([&](meta::Transaction& transaction) -> Status {
    TARN_ASSIGN(loaded, Rows(transaction).load(sealer_));
    return {};
  }));
  // What isn't written yet of the keys' last use stays.
  StatePointer before = state();
  for (auto& [id, pointer] : loaded.keys) {
    const KeyEntry* known = find(before->keys, id);
    if (known == nullptr) continue;
    KeyEntry entry = *pointer;
    entry.last_use = known->last_use;
    pointer = std::make_shared<const KeyEntry>(entry);
  }
  publish(std::move(loaded));
  return {};
}

Status StoredIdentities::change(const std::function<Status(State&, Rows&)>& body) {
  Lock lock(change_mu_);
  if (stale_) {
    TARN_TRY(reload());
    stale_ = false;
  }
  State next = *state();
  std::set<std::string> touched;
  {
    Lock touching(touched_mu_);
    touched.swap(touched_);
  }
  bool prepared = false;
  Status done = metastore_.transact([&](meta::Transaction& transaction) -> Status {
    Rows rows(transaction);
    TARN_TRY(body(next, rows));
    for (const std::string& id : touched)
      if (const KeyEntry* key = find(next.keys, id))
        TARN_TRY(rows.set_key_used(id, Timestamp{key->last_use->us.load()}));
    prepared = true;
    return {};
  });
  if (done) {
    publish(std::move(next));
    return {};
  }
  {
    Lock touching(touched_mu_);
    touched_.merge(touched);
  }
  // A commit that failed may have happened all the same.
  if (prepared) {
    Status reloaded = reload();
    stale_ = !reloaded;
    if (!reloaded) TARN_LOG(error, "users and roles could not be read again: {}", reloaded.error().message);
  }
  return done;
}

Result<std::unique_ptr<Identities>> Identities::open(meta::Metastore& metastore, Sealer& sealer,
                                                     const Clock& clock) {
  auto identities = std::make_unique<StoredIdentities>(metastore, sealer, clock);
  TARN_TRY(identities->start());
  return identities;
}

std::optional<Principal> principal_of(const State& state, std::string_view user) {
  if (user == kRoot) return root_principal();
  const UserEntry* entry = find(state.users, user);
  if (entry == nullptr || user == kAnonymous) return std::nullopt;
  return entry->principal;
}

}  // namespace tarn::access
