#include "doors/aws/payload.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "access/sealed.h"

namespace tarn::aws {

namespace {

class PlainPayload final : public CheckedPayload {
 public:
  PlainPayload(http::Request& request, std::string hash)
      : request_(request), length_(request.content_length()) {
    expected_ = std::move(hash);
    if (!expected_.empty()) sha_.emplace();
  }

  Result<size_t> read(std::span<char> out) override {
    if (failed()) return again();
    if (done_ || out.empty()) return 0;
    auto got = request_.read(out);
    if (!got) return broken(std::move(got).error());
    if (sha_) sha_->update(out.first(*got));
    total_ += *got;
    if (*got > 0 && !(length_ && total_ >= *length_)) return got;
    TARN_TRY(end());
    return got;
  }
  std::optional<uint64_t> length() const override { return length_; }

 private:
  Status end() {
    done_ = true;
    if (length_ && total_ < *length_)
      return wrong(Problem::kShort, fmt::format("the body ended after {} of {} bytes", total_, *length_));
    if (length_) {
      char more = 0;
      auto got = request_.read({&more, 1});
      if (!got) return broken(std::move(got).error());
      if (*got > 0 || total_ > *length_)
        return wrong(Problem::kFraming, fmt::format("the body goes on after its {} bytes", *length_));
    }
    if (!sha_) return {};
    actual_ = sha_->hex();
    if (!access::equal_in_constant_time(actual_, expected_))
      return wrong(Problem::kHash, "the body's SHA-256 is not the one in x-amz-content-sha256");
    return {};
  }

  http::Request& request_;
  const std::optional<uint64_t> length_;
  std::optional<Sha256> sha_;
  uint64_t total_ = 0;
  bool done_ = false;
};

class WholePayload final : public CheckedPayload {
 public:
  explicit WholePayload(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<size_t> read(std::span<char> out) override {
    size_t n = std::min(out.size(), bytes_.size() - at_);
    if (n > 0) std::memcpy(out.data(), bytes_.data() + at_, n);
    at_ += n;
    return n;
  }
  std::optional<uint64_t> length() const override { return bytes_.size(); }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

}  // namespace

struct Sha256::State {
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context{EVP_MD_CTX_new()};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  restart();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::restart() {
  EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr);
}

void Sha256::update(std::span<const char> bytes) {
  EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size());
}

std::string Sha256::hex() {
  std::array<char, 32> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(state_->context.get(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  return to_hex({digest.data(), digest.size()});
}

std::unexpected<Error> CheckedPayload::wrong(Problem problem, std::string message) {
  problem_ = problem;
  error_ = Error{.code = Code::kInvalid, .message = std::move(message), .retry_after_ms = 0};
  return again();
}

std::unexpected<Error> CheckedPayload::broken(Error error) {
  problem_ = Problem::kClient;
  error_ = std::move(error);
  return again();
}

std::unique_ptr<Payload> plain_payload(http::Request& request, std::string hash) {
  return std::make_unique<PlainPayload>(request, std::move(hash));
}

std::unique_ptr<Payload> whole_payload(std::string bytes) {
  return std::make_unique<WholePayload>(std::move(bytes));
}

}  // namespace tarn::aws
