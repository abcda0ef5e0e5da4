// Secrets by name: values that jobs, sources and sinks need, sealed at rest, never shown in listings or logs.
//
// A secret has versions with the stages AWSCURRENT, AWSPREVIOUS and AWSPENDING; setting it makes a new current
// one, and the one before it the previous; older ones are deleted. `rotate` makes a random value.
// Owns: nothing in memory. Borrows the metastore and the sealer.
// Threads: any.
// Fails: kNotFound with the nearest name, kInvalid, kTooLarge (65,536 bytes, kSecretsMax), kCorrupt.
// Durable: changes when they return.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access/identities.h"
#include "access/sealed.h"
#include "base/error.h"
#include "meta/metastore.h"

namespace tarn::access {

inline constexpr size_t kSecretBytesMax = 65'536;
inline constexpr size_t kSecretsMax = 10'000;
inline constexpr size_t kRotatedLengthMin = 8;  // of what rotate() makes: letters and digits
inline constexpr size_t kRotatedLengthMax = 4096;

struct SecretInfo {
  std::string name;    // 1 to 512 of letters, digits and /_+=.@-
  std::string suffix;  // six random characters, of its ARN
  std::string description;
  Origin origin = Origin::kApi;
  Timestamp created;
  std::optional<Timestamp> changed;
  struct Version {
    std::string id;  // a UUID
    std::vector<std::string> stages;
    Timestamp created;
  };
  std::vector<Version> versions;  // newest first; empty: declared, without a value yet
};

class Secrets {
 public:
  static Result<std::unique_ptr<Secrets>> open(meta::Metastore& metastore, Sealer& sealer,
                                               const Clock& clock);
  virtual ~Secrets() = default;
  // Makes it, without a value, or changes description and origin.
  virtual Status declare(std::string_view name, std::string description, Origin origin) = 0;
  virtual Result<SecretInfo> set(std::string_view name, std::string_view value) = 0;  // makes it if need be
  virtual Result<SecretInfo> rotate(std::string_view name, size_t length) = 0;        // of one that is there
  virtual Result<std::string> value(std::string_view name, std::string_view stage = "AWSCURRENT") const = 0;
  virtual Result<SecretInfo> info(std::string_view name) const = 0;
  virtual Result<std::vector<SecretInfo>> list() const = 0;
  virtual Status remove(std::string_view name) = 0;
  // Seals every value again with the sealer's newest key; kCorrupt names one that can't be opened.
  virtual Status reseal() = 0;
};

}  // namespace tarn::access
