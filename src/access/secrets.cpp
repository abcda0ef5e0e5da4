#include "access/secrets.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <openssl/crypto.h>

#include "access/identities_check.h"
#include "access/identities_rows.h"
#include "base/id.h"
#include "base/nearest.h"

namespace tarn::access {
namespace {

using Values = std::vector<meta::Value>;

constexpr std::string_view kLettersAndDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::string_view kCurrent = "AWSCURRENT";
constexpr std::string_view kPrevious = "AWSPREVIOUS";
constexpr size_t kNameMax = 512;
constexpr size_t kSuffixLength = 6;

Values values(auto&&... items) {
  return Values{meta::Value(std::forward<decltype(items)>(items))...};
}

// A value can't be moved to another secret, or to another version.
std::string purpose_of(std::string_view name, std::string_view version) {
  return fmt::format("secret {} {}", name, version);
}

Status check_secret_name(std::string_view name) {
  auto fits = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("/_+=.@-").contains(c);
  };
  if (!name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, fits)) return {};
  return fail(
      Code::kInvalid,
      fmt::format("secret name: it must have 1 to {} of letters, digits and / _ + = . @ -", kNameMax));
}

// Stages as they are stored: separated by commas.
std::vector<std::string> split(std::string_view stages) {
  std::vector<std::string> out;
  while (!stages.empty()) {
    size_t end = std::min(stages.find(','), stages.size());
    out.emplace_back(stages.substr(0, end));
    stages.remove_prefix(std::min(end + 1, stages.size()));
  }
  return out;
}

class StoredSecrets final : public Secrets {
 public:
  StoredSecrets(meta::Metastore& metastore, Sealer& sealer, const Clock& clock)
      : metastore_(metastore), sealer_(sealer), clock_(clock) {}

  Status declare(std::string_view name, std::string description, Origin origin) override {
    TARN_TRY(check_secret_name(name));
    TARN_TRY(check_description(description));
    return metastore_.transact([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(bool there, exists(t, name));
      if (!there) return insert(t, name, description, origin);
      TARN_TRY(t.execute("UPDATE secrets SET description = ?, origin = ? WHERE name = ?",
                         values(description, origin_text(origin), std::string(name))));
      return {};
    });
  }

  Result<SecretInfo> set(std::string_view name, std::string_view value) override {
    TARN_TRY(check_secret_name(name));
    if (value.empty()) return fail(Code::kInvalid, fmt::format("secret {}: the value is empty", name));
    if (value.size() > kSecretBytesMax)
      return fail(Code::kTooLarge, fmt::format("secret {}: {} bytes, at most {} are kept", name, value.size(),
                                               kSecretBytesMax));
    SecretInfo info;
    TARN_TRY(metastore_.transact([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(bool there, exists(t, name));
      if (!there) TARN_TRY(insert(t, name, "", Origin::kApi));
      TARN_TRY(add_version(t, name, value));
      TARN_ASSIGN(info, read_info(t, name));
      return {};
    }));
    return info;
  }

  Result<SecretInfo> rotate(std::string_view name, size_t length) override {
    if (length < kRotatedLengthMin || length > kRotatedLengthMax)
      return fail(Code::kInvalid, fmt::format("secret {}: a made value has {} to {} characters, not {}", name,
                                              kRotatedLengthMin, kRotatedLengthMax, length));
    std::string value = random_text(length, kLettersAndDigits);
    SecretInfo info;
    Status done = metastore_.transact([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(bool there, exists(t, name));
      if (!there) return fail(no_such_secret(t, name));
      TARN_TRY(add_version(t, name, value));
      TARN_ASSIGN(info, read_info(t, name));
      return {};
    });
    OPENSSL_cleanse(value.data(), value.size());
    TARN_TRY(std::move(done));
    return info;
  }

  Result<std::string> value(std::string_view name, std::string_view stage) const override {
    TARN_ASSIGN(SealedValue stored, sealed_value(name, stage));
    for (;;) {
      Result<std::string> clear = sealer_.open(stored.text, purpose_of(name, stored.version));
      if (clear) return clear;
      // Between the reading and the opening it may have been sealed again, and the old key forgotten.
      TARN_ASSIGN(SealedValue now, sealed_value(name, stage));
      if (now.text == stored.text) return fail(std::move(clear).error().in(fmt::format("secret {}", name)));
      stored = std::move(now);
    }
  }

  Result<SecretInfo> info(std::string_view name) const override {
    SecretInfo info;
    TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(info, read_info(t, name));
      return {};
    }));
    return info;
  }

  Result<std::vector<SecretInfo>> list() const override {
    std::vector<SecretInfo> out;
    TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(std::vector<std::string> names, all_names(t));
      for (const std::string& name : names) {
        TARN_ASSIGN(SecretInfo info, read_info(t, name));
        out.push_back(std::move(info));
      }
      return {};
    }));
    return out;
  }

  Status remove(std::string_view name) override {
    return metastore_.transact([&](meta::Transaction& t) -> Status {
      TARN_TRY(t.execute("DELETE FROM secret_versions WHERE name = ?", values(std::string(name))));
      TARN_ASSIGN(int64_t gone, t.execute("DELETE FROM secrets WHERE name = ?", values(std::string(name))));
      if (gone == 0) return fail(no_such_secret(t, name));
      return {};
    });
  }

  Status reseal() override {
    return metastore_.transact([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(auto rows, t.query("SELECT name, id, sealed_value FROM secret_versions"));
      for (const meta::Row& row : rows) {
        TARN_ASSIGN(std::string name, meta::text(row, 0));
        TARN_ASSIGN(std::string version, meta::text(row, 1));
        TARN_ASSIGN(std::string sealed, meta::text(row, 2));
        if (sealer_.current(sealed)) continue;
        Result<std::string> clear = sealer_.open(sealed, purpose_of(name, version));
        if (!clear) return fail(std::move(clear).error().in(fmt::format("secret {}", name)));
        Result<std::string> again = sealer_.seal(*clear, purpose_of(name, version));
        OPENSSL_cleanse(clear->data(), clear->size());
        TARN_ASSIGN(std::string text, std::move(again));
        TARN_TRY(t.execute("UPDATE secret_versions SET sealed_value = ? WHERE name = ? AND id = ?",
                           values(text, name, version)));
      }
      return {};
    });
  }

 private:
  struct SealedValue {
    std::string version;
    std::string text;
  };
  Result<SealedValue> sealed_value(std::string_view name, std::string_view stage) const {
    SealedValue found;
    TARN_TRY(metastore_.read([&](meta::Transaction& t) -> Status {
      TARN_ASSIGN(auto rows, t.query("SELECT id, sealed_value, stages FROM secret_versions WHERE name = ?"
                                     " ORDER BY number DESC",
                                     values(std::string(name))));
      for (const meta::Row& row : rows) {
        TARN_ASSIGN(std::string stages, meta::text(row, 2));
        const std::vector<std::string> labels = split(stages);
        if (std::ranges::find(labels, stage) == labels.end()) continue;
        TARN_ASSIGN(found.version, meta::text(row, 0));
        TARN_ASSIGN(found.text, meta::text(row, 1));
        return {};
      }
      TARN_ASSIGN(bool there, exists(t, name));
      if (!there) return fail(no_such_secret(t, name));
      return fail(
          Code::kNotFound,
          fmt::format("Secrets Manager can't find the specified secret value for staging label: {} ({})",
                      stage, name));
    }));
    return found;
  }

  static std::string origin_text(Origin origin) { return origin == Origin::kFile ? "file" : "api"; }

  static Result<bool> exists(meta::Transaction& t, std::string_view name) {
    TARN_ASSIGN(auto rows, t.query("SELECT 1 FROM secrets WHERE name = ?", values(std::string(name))));
    return !rows.empty();
  }

  static Result<std::vector<std::string>> all_names(meta::Transaction& t) {
    TARN_ASSIGN(auto rows, t.query("SELECT name FROM secrets ORDER BY name"));
    std::vector<std::string> names;
    for (const meta::Row& row : rows) {
      TARN_ASSIGN(std::string name, meta::text(row, 0));
      names.push_back(std::move(name));
    }
    return names;
  }

  static Error no_such_secret(meta::Transaction& t, std::string_view name) {
    Result<std::vector<std::string>> names = all_names(t);
    return {Code::kNotFound,
            fmt::format("Secrets Manager can't find the specified secret: {}{}", name,
                        names ? did_you_mean(name, *names) : ""),
            0};
  }

  Status insert(meta::Transaction& t, std::string_view name, const std::string& description,
                Origin origin) const {
    TARN_ASSIGN(auto rows, t.query("SELECT count(*) FROM secrets"));
    TARN_ASSIGN(int64_t count, meta::integer(rows.at(0), 0));
    if (static_cast<size_t>(count) >= kSecretsMax)
      return fail(Code::kTooLarge,
                  fmt::format("there are {} secrets, at most {} are kept", count, kSecretsMax));
    TARN_TRY(
        t.execute("INSERT INTO secrets (name, suffix, description, origin, created, changed)"
                  " VALUES (?, ?, ?, ?, ?, NULL)",
                  values(std::string(name), random_text(kSuffixLength, kLettersAndDigits), description,
                         origin_text(origin), clock_.now().us)));
    return {};
  }

  // The new one is current, the current one previous; the one that was previous has no stage left and goes.
  Status add_version(meta::Transaction& t, std::string_view name, std::string_view value) const {
    std::string own(name);
    std::string version = uuid_v4();
    TARN_ASSIGN(std::string sealed, sealer_.seal(value, purpose_of(name, version)));
    TARN_TRY(t.execute("DELETE FROM secret_versions WHERE name = ? AND stages = ?",
                       values(own, std::string(kPrevious))));
    TARN_TRY(t.execute("UPDATE secret_versions SET stages = ? WHERE name = ? AND stages = ?",
                       values(std::string(kPrevious), own, std::string(kCurrent))));
    TARN_TRY(
        t.execute("INSERT INTO secret_versions (name, number, id, sealed_value, stages, created)"
                  " SELECT ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? FROM secret_versions WHERE name = ?",
                  values(own, version, sealed, std::string(kCurrent), clock_.now().us, own)));
    TARN_TRY(t.execute("UPDATE secrets SET changed = ? WHERE name = ?", values(clock_.now().us, own)));
    return {};
  }

  static Result<SecretInfo> read_info(meta::Transaction& t, std::string_view name) {
    TARN_ASSIGN(auto rows, t.query("SELECT suffix, description, origin, created, changed FROM secrets"
                                   " WHERE name = ?",
                                   values(std::string(name))));
    if (rows.empty()) return fail(no_such_secret(t, name));
    SecretInfo info;
    info.name = name;
    TARN_ASSIGN(info.suffix, meta::text(rows[0], 0));
    TARN_ASSIGN(info.description, meta::text(rows[0], 1));
    TARN_ASSIGN(std::string origin, meta::text(rows[0], 2));
    info.origin = origin == "file" ? Origin::kFile : Origin::kApi;
    TARN_ASSIGN(info.created.us, meta::integer(rows[0], 3));
    if (const auto* changed = std::get_if<int64_t>(&rows[0].at(4))) info.changed = Timestamp{*changed};
    TARN_ASSIGN(auto versions, t.query("SELECT id, stages, created FROM secret_versions WHERE name = ?"
                                       " ORDER BY number DESC",
                                       values(std::string(name))));
    for (const meta::Row& row : versions) {
      SecretInfo::Version version;
      TARN_ASSIGN(version.id, meta::text(row, 0));
      TARN_ASSIGN(std::string stages, meta::text(row, 1));
      version.stages = split(stages);
      TARN_ASSIGN(version.created.us, meta::integer(row, 2));
      info.versions.push_back(std::move(version));
    }
    return info;
  }

  meta::Metastore& metastore_;
  Sealer& sealer_;
  const Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<Secrets>> Secrets::open(meta::Metastore& metastore, Sealer& sealer,
                                               const Clock& clock) {
  TARN_TRY(metastore.migrate(access_migrations()));
  return std::make_unique<StoredSecrets>(metastore, sealer, clock);
}

}  // namespace tarn::access
