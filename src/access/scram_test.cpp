#include "access/scram.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "access/base64.h"

namespace tarn::access {
namespace {

std::string sha256(std::string_view text) {
  std::string out(32, '\0');
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(out.data()), nullptr,
                       EVP_sha256(), nullptr),
            1);
  return out;
}

std::string exclusive_or(std::string a, const std::string& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<char>(a[i] ^ b[i]);
  return a;
}

// The exchange of RFC 7677, section 3.
TEST(Scram, ProvesTheExchangeOfRfc7677) {
  ScramVerifier verifier =
      make_verifier_with("pencil", from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096);
  const std::string nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string message =
      "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=" + nonce;
  std::string proof = from_base64("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").value();
  std::string client_key = exclusive_or(proof, hmac_sha256(verifier.stored_key, message));
  EXPECT_EQ(sha256(client_key), verifier.stored_key);
  EXPECT_EQ(base64(hmac_sha256(verifier.server_key, message)),
            "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST(Scram, VerifiesOnlyItsPassword) {
  ScramVerifier verifier = make_verifier("pencil");
  EXPECT_EQ(verifier.iterations, 4096);
  EXPECT_EQ(verifier.salt.size(), 16U);
  EXPECT_TRUE(verifies(verifier, "pencil"));
  EXPECT_FALSE(verifies(verifier, "Pencil"));
  EXPECT_FALSE(verifies(verifier, "pencil "));
  EXPECT_FALSE(verifies(verifier, ""));
  EXPECT_NE(make_verifier("pencil").salt, verifier.salt);
}

TEST(Scram, StoresAsRfc5803) {
  ScramVerifier verifier =
      make_verifier_with("pencil", from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096);
  std::string text = scram_to_text(verifier);
  EXPECT_EQ(text,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
            "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
  ScramVerifier read = scram_from_text(text).value();
  EXPECT_EQ(scram_to_text(read), text);
  EXPECT_TRUE(verifies(read, "pencil"));
  for (const std::string& bad :
       {std::string(), std::string("SCRAM-SHA-256$"), text.substr(0, text.size() - 1), text + "A",
        "SCRAM-SHA-1" + text.substr(13), "SCRAM-SHA-256$0" + text.substr(18),
        "SCRAM-SHA-256$99999999" + text.substr(18), "SCRAM-SHA-256$-1" + text.substr(18),
        "SCRAM-SHA-256$4096:$" + text.substr(44)})
    EXPECT_FALSE(scram_from_text(bad)) << bad;
}

TEST(Scram, RefusesPasswordsThatSaslprepRefuses) {
  for (const std::string& good : {std::string("x"), std::string("a b"), std::string("pässwörd"),
                                  std::string("密码"), std::string(256, 'x')})
    EXPECT_TRUE(check_password(good)) << good;
  for (const std::string& bad :
       {std::string(), std::string("a\nb"), std::string("a\0b", 3), std::string("\x7f"),
        std::string("a\xc2\x85"), std::string("\xff"), std::string(257, 'x')})
    EXPECT_FALSE(check_password(bad)) << bad;
}

}  // namespace
}  // namespace tarn::access
