// Encryption at rest of what must be readable again (secret access keys, secrets) under a key file.
//
// AES-256-GCM with a random nonce; the text names the key it was sealed with, so that keys can be rotated: the
// file keeps old keys until everything is sealed with the new one.
// Owns: the keys, in memory that is cleared when it is given up.
// Threads: any.
// Fails: kCorrupt (changed text, or a key that the file doesn't have: the message says which), kIo, kDenied when
// the file can be read by others; rekey(): kBusy while another one is under way.
// Durable: rotate(), forget_old() and rekey() when they return.
// Shapes: "v1.<key id>.<base64url of nonce, ciphertext, tag>"; the file: one "id base64 created" a line, 0600.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tarn::access {

class Sealer {
 public:
  // Makes the file when it isn't there.
  static Result<std::unique_ptr<Sealer>> open(const std::filesystem::path& key_file);
  virtual ~Sealer() = default;
  // `purpose` must be the same for open(): a text sealed for one row is of no use in another.
  virtual Result<std::string> seal(std::string_view clear, std::string_view purpose) const = 0;
  virtual Result<std::string> open(std::string_view sealed, std::string_view purpose) const = 0;
  virtual bool current(std::string_view sealed) const = 0;  // sealed with the newest key
  // A new key, then `reseal`, which seals with it whatever was sealed before, then the older keys are forgotten.
  // One at a time. When `reseal` fails, all keys stay, and the next rekey() makes up for it.
  virtual Status rekey(const std::function<Status()>& reseal) = 0;

  // The steps of rekey().
  virtual Result<std::string> rotate() = 0;  // makes a key, gives its id; old ones still open
  // Forgets the keys older than this one: once nothing is sealed with them. Those made since stay. kNotFound, and
  // nothing is forgotten: the file has no such key.
  virtual Status forget_old(std::string_view key_id) = 0;
};

// Random text of an alphabet, from the system's generator. For ids, keys, passwords.
std::string random_text(size_t length, std::string_view alphabet);
bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace tarn::access
