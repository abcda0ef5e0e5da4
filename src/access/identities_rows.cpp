#include "access/identities_rows.h"

#include <fmt/format.h>

#include "access/identities_json.h"
#include "access/scram.h"
#include "base/logging.h"

namespace tarn::access {
namespace {

using Values = std::vector<meta::Value>;

constexpr meta::Migration kMigrations[] = {
    {"access", 1,
     "CREATE TABLE users (name TEXT NOT NULL PRIMARY KEY, definition TEXT NOT NULL);"
     "CREATE TABLE roles (name TEXT NOT NULL PRIMARY KEY, definition TEXT NOT NULL);"
     "CREATE TABLE managed_policies (arn TEXT NOT NULL PRIMARY KEY, definition TEXT NOT NULL);"
     "CREATE TABLE passwords (user_name TEXT NOT NULL PRIMARY KEY, verifier TEXT NOT NULL);"
     "CREATE TABLE access_keys (id TEXT NOT NULL PRIMARY KEY, user_name TEXT NOT NULL,"
     " sealed_secret TEXT NOT NULL, active BIGINT NOT NULL, created BIGINT NOT NULL, used BIGINT NOT NULL,"
     " description TEXT NOT NULL, untold BIGINT NOT NULL);"
     "CREATE TABLE secrets (name TEXT NOT NULL PRIMARY KEY, suffix TEXT NOT NULL, description TEXT NOT NULL,"
     " origin TEXT NOT NULL, created BIGINT NOT NULL, changed BIGINT);"
     "CREATE TABLE secret_versions (name TEXT NOT NULL, number BIGINT NOT NULL, id TEXT NOT NULL,"
     " sealed_value TEXT NOT NULL, stages TEXT NOT NULL, created BIGINT NOT NULL,"
     " PRIMARY KEY (name, number));"},
};

Values values(auto&&... items) {
  return Values{meta::Value(std::forward<decltype(items)>(items))...};
}
std::string own(std::string_view text) {
  return std::string(text);
}

// Puts one row of a table with a key and a text.
Status put_row(meta::Transaction& t, std::string_view table, std::string_view key_column,
               std::string_view text_column, std::string_view key, std::string text) {
  TARN_TRY(t.execute(fmt::format("INSERT INTO {0} ({1}, {2}) VALUES (?, ?)"
                                 " ON CONFLICT ({1}) DO UPDATE SET {2} = excluded.{2}",
                                 table, key_column, text_column),
                     values(own(key), std::move(text))));
  return {};
}

Status run(meta::Transaction& t, std::string_view sql, Values parameters) {
  TARN_TRY(t.execute(sql, parameters));
  return {};
}

}  // namespace

std::span<const meta::Migration> access_migrations() {
  return kMigrations;
}

std::string key_purpose(std::string_view key_id) {
  return fmt::format("access key {}", key_id);
}

Status Rows::put(const User& user) {
  return put_row(transaction_, "users", "name", "definition", user.name, stored_form(user));
}
Status Rows::put(const Role& role) {
  return put_row(transaction_, "roles", "name", "definition", role.name, stored_form(role));
}
Status Rows::put(const PolicyEntry& policy) {
  return put_row(transaction_, "managed_policies", "arn", "definition", policy.policy.arn,
                 stored_form(policy));
}
Status Rows::remove_user(std::string_view name) {
  return run(transaction_, "DELETE FROM users WHERE name = ?", values(own(name)));
}
Status Rows::remove_role(std::string_view name) {
  return run(transaction_, "DELETE FROM roles WHERE name = ?", values(own(name)));
}
Status Rows::remove_policy(std::string_view arn) {
  return run(transaction_, "DELETE FROM managed_policies WHERE arn = ?", values(own(arn)));
}
Status Rows::put_password(std::string_view user, const ScramVerifier& verifier) {
  return put_row(transaction_, "passwords", "user_name", "verifier", user, scram_to_text(verifier));
}
Status Rows::remove_password(std::string_view user) {
  return run(transaction_, "DELETE FROM passwords WHERE user_name = ?", values(own(user)));
}

Status Rows::add_key(const AccessKey& key, std::string_view sealed, bool untold) {
  return run(
      transaction_,
      "INSERT INTO access_keys (id, user_name, sealed_secret, active, created, used, description, untold)"
      " VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
      values(key.id, key.user, own(sealed), int64_t(key.active), key.created.us, key.description,
             int64_t(untold)));
}
Status Rows::set_key_active(std::string_view id, bool active) {
  return run(transaction_, "UPDATE access_keys SET active = ? WHERE id = ?",
             values(int64_t(active), own(id)));
}
Status Rows::set_key_user(std::string_view id, std::string_view user) {
  return run(transaction_, "UPDATE access_keys SET user_name = ? WHERE id = ?", values(own(user), own(id)));
}
Status Rows::set_key_used(std::string_view id, Timestamp used) {
  return run(transaction_, "UPDATE access_keys SET used = ? WHERE id = ?", values(used.us, own(id)));
}
Status Rows::set_key_sealed(std::string_view id, std::string_view sealed) {
  return run(transaction_, "UPDATE access_keys SET sealed_secret = ? WHERE id = ?",
             values(own(sealed), own(id)));
}
Status Rows::set_told(std::string_view id) {
  return run(transaction_, "UPDATE access_keys SET untold = 0 WHERE id = ?", values(own(id)));
}
Status Rows::remove_key(std::string_view id) {
  return run(transaction_, "DELETE FROM access_keys WHERE id = ?", values(own(id)));
}

Result<std::vector<Rows::SealedKey>> Rows::sealed_keys() {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT id, sealed_secret FROM access_keys ORDER BY id"));
  std::vector<SealedKey> keys;
  for (const meta::Row& row : rows) {
    SealedKey key;
    TARN_ASSIGN(key.id, meta::text(row, 0));
    TARN_ASSIGN(key.sealed, meta::text(row, 1));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<std::set<std::string>> Rows::untold_keys() {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT id FROM access_keys WHERE untold = 1"));
  std::set<std::string> ids;
  for (const meta::Row& row : rows) {
    TARN_ASSIGN(std::string id, meta::text(row, 0));
    ids.insert(std::move(id));
  }
  return ids;
}

Result<State> Rows::load(const Sealer& sealer) {
  State state;
  TARN_TRY(load_policies(state));
  TARN_TRY(load_roles(state));
  TARN_TRY(load_users(state));
  TARN_TRY(load_passwords(state));
  TARN_TRY(load_keys(state, sealer));
  link_everything(state);
  return state;
}

Status Rows::load_policies(State& state) {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT arn, definition FROM managed_policies"));
  for (const meta::Row& row : rows) {
    TARN_ASSIGN(std::string arn, meta::text(row, 0));
    TARN_ASSIGN(std::string text, meta::text(row, 1));
    TARN_ASSIGN(PolicyEntry stored, stored_policy(arn, text));
    TARN_ASSIGN(PolicyEntry entry,
                make_policy_entry(std::move(stored.policy), stored.versions_made, /*strict=*/false));
    state.policies[arn] = std::make_shared<const PolicyEntry>(std::move(entry));
  }
  return {};
}

Status Rows::load_roles(State& state) {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT name, definition FROM roles"));
  for (const meta::Row& row : rows) {
    TARN_ASSIGN(std::string name, meta::text(row, 0));
    TARN_ASSIGN(std::string text, meta::text(row, 1));
    TARN_ASSIGN(Role role, stored_role(name, text));
    TARN_ASSIGN(RoleEntry entry, make_role_entry(state, std::move(role), /*strict=*/false));
    state.roles[name] = std::make_shared<const RoleEntry>(std::move(entry));
  }
  return {};
}

Status Rows::load_users(State& state) {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT name, definition FROM users"));
  for (const meta::Row& row : rows) {
    TARN_ASSIGN(std::string name, meta::text(row, 0));
    TARN_ASSIGN(std::string text, meta::text(row, 1));
    TARN_ASSIGN(User user, stored_user(name, text));
    TARN_ASSIGN(UserEntry entry, make_user_entry(state, std::move(user), /*strict=*/false));
    state.users[name] = std::make_shared<const UserEntry>(std::move(entry));
  }
  return {};
}

Status Rows::load_passwords(State& state) {
  TARN_ASSIGN(auto rows, transaction_.query("SELECT user_name, verifier FROM passwords"));
  for (const meta::Row& row : rows) {
    TARN_ASSIGN(std::string user, meta::text(row, 0));
    TARN_ASSIGN(std::string text, meta::text(row, 1));
    Result<ScramVerifier> verifier = scram_from_text(text);
    if (!verifier) return fail(std::move(verifier).error().in("user " + user));
    state.passwords[user] = std::make_shared<const ScramVerifier>(*std::move(verifier));
  }
  return {};
}

Status Rows::load_keys(State& state, const Sealer& sealer) {
  TARN_ASSIGN(auto rows,
              transaction_.query("SELECT id, user_name, sealed_secret, active, created, used, description"
                                 " FROM access_keys"));
  for (const meta::Row& row : rows) {
    KeyEntry entry;
    TARN_ASSIGN(entry.key.id, meta::text(row, 0));
    TARN_ASSIGN(entry.key.user, meta::text(row, 1));
    TARN_ASSIGN(std::string sealed, meta::text(row, 2));
    TARN_ASSIGN(int64_t active, meta::integer(row, 3));
    TARN_ASSIGN(entry.key.created.us, meta::integer(row, 4));
    TARN_ASSIGN(int64_t used, meta::integer(row, 5));
    TARN_ASSIGN(entry.key.description, meta::text(row, 6));
    entry.key.active = active != 0;
    entry.last_use->us = used;
    // One damaged row must not keep the lake from starting: the other keys still work.
    Result<std::string> secret = sealer.open(sealed, key_purpose(entry.key.id));
    entry.usable = secret.has_value();
    if (secret) {
      entry.secret = *std::move(secret);
    } else {
      TARN_LOG(error, "access key {} of {} can't be used: {}", entry.key.id, entry.key.user,
               secret.error().message);
    }
    set_key(state, entry);
  }
  return {};
}

}  // namespace tarn::access
