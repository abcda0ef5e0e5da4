#include "doors/aws/query_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "doors/aws/pass_role.h"
#include "doors/aws/query_lake_for_test.h"
#include "doors/aws/sts.h"

namespace tarn::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(QueryParameters, AreDecodedAndFoundByName) {
  Parameters in;
  ASSERT_TRUE(in.add("Action=A%20b+c&Empty=&Bare&&X=1=2"));
  EXPECT_EQ(*in.find("Action"), "A b c");
  EXPECT_EQ(*in.find("Empty"), "");
  EXPECT_EQ(*in.find("Bare"), "");
  EXPECT_EQ(*in.find("X"), "1=2");
  EXPECT_EQ(in.find("Other"), nullptr);
}

TEST(QueryParameters, ListsAreInTheOrderOfTheirNumbers) {
  Parameters in;
  ASSERT_TRUE(
      in.add("L.member.10=j&L.member.2=b&L.member.1=a&L.member.0=no&L.member.x=no&L.member.=no&Lx.member.1=no"
             "&T.member.1.Key=k&T.member.1.Value=v&T.member.2.Key=l"));
  EXPECT_THAT(in.texts("L"), ElementsAre("a", "b", "j"));
  EXPECT_THAT(in.members("T"), ElementsAre("T.member.1", "T.member.2"));
  EXPECT_THAT(in.texts("T"), ElementsAre());
}

TEST(QueryParameters, RefuseWhatIsBroken) {
  EXPECT_FALSE(Parameters().add("a=%2"));
  EXPECT_FALSE(Parameters().add("a=%zz"));
  EXPECT_FALSE(Parameters().add("a=%ff"));
  std::string many;
  for (size_t i = 0; i <= kQueryParametersMax; i++) many += "a=1&";
  EXPECT_EQ(Parameters().add(many).error().code, Code::kTooLarge);
}

TEST(QueryTimes, HaveMilliseconds) {
  EXPECT_EQ(query_time(Timestamp{1'795'244'400'123'456}), "2026-11-21T07:00:00.123Z");
  EXPECT_EQ(query_time(Timestamp{0}), "1970-01-01T00:00:00.000Z");
}

class Query : public testing::Test {
 protected:
  QueryLake lake_;

  Authenticator refusing(Problem problem, const std::string& message = "m") {
    return [problem, message](http::Request&) -> std::expected<Authenticated, Refusal> {
      return std::unexpected(
          Refusal{.problem = problem,
                  .message = message,
                  .fields = {{"RequestTime", "20261121T060000Z"}, {"ServerTime", "20261121T070000Z"}}});
    };
  }
  Authenticator coming(Scheme scheme, Payload::Problem at_end = Payload::Problem::kNone) {
    return [this, scheme, at_end](http::Request& request) -> std::expected<Authenticated, Refusal> {
      Authenticated out;
      out.principal = scheme == Scheme::kNone ? access::Principal::anonymous() : lake_.root();
      out.scheme = scheme;
      out.payload = std::make_unique<PlainPayload>(request, at_end);
      return out;
    };
  }
  const Form who_am_i_ = {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}};
};

TEST_F(Query, AnswersInTheServicesNamespaceWithARequestId) {
  const Reply reply = lake_.ask(sts_service(), lake_.root(), who_am_i_);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.type, "text/xml");
  EXPECT_THAT(reply.text,
              HasSubstr("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"));
  EXPECT_EQ(reply.value("ResponseMetadata/RequestId"), reply.request_id);
  EXPECT_EQ(reply.request_id.size(), 36u);
}

TEST_F(Query, TakesTheActionFromTheQueryToo) {
  MemoryRequest request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=x", {}, "");
  EXPECT_EQ(lake_.ask(sts_service(), request, coming(Scheme::kPresignedV4)).status, 200);
}

TEST_F(Query, NamesWhatIsWrongWithTheAction) {
  EXPECT_EQ(lake_.ask(sts_service(), lake_.root(), {}).code(), "MissingAction");
  const Reply unknown =
      lake_.ask(sts_service(), lake_.root(), {{"Action", "Fly"}, {"Version", "2011-06-15"}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.code(), "InvalidAction");
  EXPECT_THAT(unknown.message(), HasSubstr("Could not find operation Fly for version 2011-06-15"));
  EXPECT_EQ(
      lake_.ask(sts_service(), lake_.root(), {{"Action", "GetCallerIdentity"}, {"Version", "2010-01-01"}})
          .code(),
      "InvalidAction");
}

TEST_F(Query, RefusalsHaveTheServicesCodes) {
  struct Case {
    Problem problem;
    std::string code;
    int status;
  };
  for (const Case& c :
       std::initializer_list<Case>{{Problem::kNoCredentials, "MissingAuthenticationToken", 403},
                                   {Problem::kUnknownKey, "InvalidClientTokenId", 403},
                                   {Problem::kToken, "InvalidClientTokenId", 403},
                                   {Problem::kSignature, "SignatureDoesNotMatch", 403},
                                   {Problem::kSkewed, "SignatureDoesNotMatch", 403},
                                   {Problem::kMalformedHeader, "IncompleteSignature", 400},
                                   {Problem::kMalformedQuery, "IncompleteSignature", 400},
                                   {Problem::kExpiredToken, "ExpiredToken", 403},
                                   {Problem::kInsecure, "AccessDenied", 403}}) {
    const Reply reply = lake_.ask(sts_service(), who_am_i_, refusing(c.problem));
    EXPECT_EQ(reply.code(), c.code);
    EXPECT_EQ(reply.status, c.status) << c.code;
    EXPECT_EQ(reply.value("Error/Type"), "Sender");
    EXPECT_EQ(reply.value("RequestId"), reply.request_id);
  }
  EXPECT_THAT(lake_.ask(sts_service(), who_am_i_, refusing(Problem::kSkewed)).message(),
              testing::StartsWith("Signature expired: 20261121T060000Z"));
}

TEST_F(Query, JsonServicesHaveTheirOwnCodes) {
  auto code = [](Problem problem, Protocol protocol) {
    const ServiceError error =
        of_refusal(Refusal{.problem = problem, .message = "m", .fields = {}}, protocol);
    return error.code + " " + std::to_string(error.status);
  };
  EXPECT_EQ(code(Problem::kUnknownKey, Protocol::kJson11), "UnrecognizedClientException 400");
  EXPECT_EQ(code(Problem::kUnknownKey, Protocol::kRestJson), "UnrecognizedClientException 403");
  EXPECT_EQ(code(Problem::kSignature, Protocol::kJson10), "InvalidSignatureException 400");
  EXPECT_EQ(code(Problem::kExpiredToken, Protocol::kJson11), "ExpiredTokenException 400");
  EXPECT_EQ(code(Problem::kMalformedHeader, Protocol::kJson11), "IncompleteSignatureException 400");
  EXPECT_EQ(code(Problem::kNoCredentials, Protocol::kRestJson), "MissingAuthenticationTokenException 403");
}

TEST_F(Query, OurOwnFaultsKeepTheirTextsToThemselves) {
  const ServiceError error = of_error(Error{Code::kIo, "write /secret/place: denied", 0}, Protocol::kQuery);
  EXPECT_EQ(error.code, "InternalFailure");
  EXPECT_EQ(error.status, 500);
  EXPECT_THAT(error.message, testing::Not(HasSubstr("secret")));
}

TEST_F(Query, WithoutCredentialsNothingIsDone) {
  const Reply reply = lake_.ask(sts_service(), who_am_i_, coming(Scheme::kNone));
  EXPECT_EQ(reply.code(), "MissingAuthenticationToken");
  // But who comes without, as clients of this one do, is told that it isn't there.
  const Reply web =
      lake_.ask(sts_service(), {{"Action", "AssumeRoleWithWebIdentity"}, {"Version", "2011-06-15"}},
                coming(Scheme::kNone));
  EXPECT_EQ(web.code(), "InvalidAction");
  EXPECT_THAT(web.message(), HasSubstr("AssumeRoleWithWebIdentity is not available"));
}

TEST_F(Query, ABodyThatIsNotTheSignedOneIsRefused) {
  EXPECT_EQ(lake_.ask(sts_service(), who_am_i_, coming(Scheme::kSigV4, Payload::Problem::kHash)).code(),
            "SignatureDoesNotMatch");
  EXPECT_EQ(lake_.ask(sts_service(), who_am_i_, coming(Scheme::kSigV4, Payload::Problem::kShort)).code(),
            "MalformedInput");
}

TEST_F(Query, ABodyPastTheLimitIsRefused) {
  Form form = who_am_i_;
  form.emplace_back("Padding", std::string(kQueryBytesMax, 'x'));
  const Reply reply = lake_.ask(sts_service(), lake_.root(), form);
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.code(), "RequestEntityTooLarge");
}

TEST_F(Query, PassRoleIsAskedForTheServiceThatGetsIt) {
  const auto alice = lake_.make_user(
      "alice",
      R"({"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::000000000000:role/delivery",
          "Condition":{"StringEquals":{"iam:PassedToService":"firehose.amazonaws.com"}}})");
  const std::string role = "arn:aws:iam::000000000000:role/delivery";
  EXPECT_TRUE(check_pass_role(lake_.guard(), alice, role, "firehose.amazonaws.com"));
  EXPECT_EQ(check_pass_role(lake_.guard(), alice, role, "lambda.amazonaws.com").error().code, Code::kDenied);
  EXPECT_EQ(check_pass_role(lake_.guard(), alice, role + "2", "firehose.amazonaws.com").error().code,
            Code::kDenied);
  EXPECT_TRUE(check_pass_role(lake_.guard(), lake_.root(), role, "lambda.amazonaws.com"));
  for (const char* wrong : {"", "delivery", "arn:aws:iam::000000000000:user/delivery",
                            "arn:aws:iam::000000000000:role/", "arn:aws:iam::111111111111:role/delivery"})
    EXPECT_EQ(check_pass_role(lake_.guard(), lake_.root(), wrong, "lambda.amazonaws.com").error().code,
              Code::kInvalid);
}

}  // namespace
}  // namespace tarn::aws
