// Session tokens as a hostile client sends them: nothing that wasn't sealed for the key opens, and what a sealed
// text says is taken only whole.
//
// Input: a byte for the way (as a token; as what is sealed in one; as changes to a good token), the bytes.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "access/identities.h"
#include "access/identities_token.h"
#include "base/error.h"
#include "base/id.h"

namespace {

using namespace tarn;
using namespace tarn::access;

// One lake for the whole run.
struct World {
  World() {
    folder = std::filesystem::temp_directory_path() / ("tarn-token-fuzz-" + uuid_v4());
    std::filesystem::create_directories(folder);
    metastore = meta::open_sqlite(folder / "meta.db").value();
    sealer = Sealer::open(folder / "secret.key").value();
    identities = Identities::open(*metastore, *sealer, clock).value();
    Role role;
    role.name = "role";
    TARN_CHECK(identities->create_role(role).has_value());
    SessionRequest request;
    request.role = "role";
    request.session = "session";
    good = identities->start_session(identities->principal("root").value(), request).value();
  }
  ~World() {
    identities.reset();
    metastore.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }

  ManualClock clock{Timestamp{1'800'000'000'000'000}};
  std::filesystem::path folder;
  std::unique_ptr<meta::Metastore> metastore;
  std::unique_ptr<Sealer> sealer;
  std::unique_ptr<Identities> identities;
  Session good;
};

void check_as_token(const World& world, std::string_view token) {
  CredentialProblem problem = CredentialProblem::kNone;
  auto found = world.identities->credential(world.good.key_id, token, problem);
  TARN_CHECK(found.has_value() == (token == world.good.token));
  TARN_CHECK(found.has_value() == (problem == CredentialProblem::kNone));
  TARN_CHECK(!open_token(*world.sealer, "ASIAANOTHERKEY", token).has_value());
}

void check_as_content(const World& world, std::string_view content) {
  auto read = token_from_text(content);
  if (read) {
    auto again = token_from_text(token_text(*read));
    TARN_CHECK(again.has_value() && *again == *read);
  }
  constexpr std::string_view kKey = "ASIAFUZZEDCONTENTXXX";
  std::string sealed = world.sealer->seal(content, "session " + std::string(kKey)).value();
  CredentialProblem problem = CredentialProblem::kNone;
  auto found = world.identities->credential(kKey, sealed, problem);
  TARN_CHECK(found.has_value() == (problem == CredentialProblem::kNone));
  if (!read) TARN_CHECK(problem == CredentialProblem::kWrongToken);
}

// Pairs of bytes: where in the good token, and what to put there.
void check_changed(const World& world, std::string_view changes) {
  std::string token = world.good.token;
  for (; changes.size() >= 3 && !token.empty(); changes.remove_prefix(3)) {
    size_t at = (static_cast<unsigned char>(changes[0]) * 256U + static_cast<unsigned char>(changes[1])) %
                token.size();
    if (changes[2] == 0)
      token.erase(at, 1);
    else
      token[at] = changes[2];
  }
  check_as_token(world, token);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const World world;
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check_as_token(world, bytes);
      break;
    case 1:
      check_as_content(world, bytes);
      break;
    default:
      check_changed(world, bytes);
  }
  return 0;
}
