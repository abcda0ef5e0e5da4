// The routes of buckets, principals, roles, keys and secrets: part of the table of routes.h.
#include "doors/http/api.h"
#include "doors/http/routes.h"

namespace tarn::http {

namespace {

using Of = Needs::Of;

constexpr std::string_view kJson = "application/json";

// `tarn apply` says file.
constexpr Parameter kOrigin = {
    "origin", "query", R"({"type":"string","enum":["file","api"]})",
    "file: a lake file declares it, and IAM clients can't change it; as it is, or api, if it is left out"};

Answer answer(std::string_view description, std::string_view schema, int status = 200) {
  return {status, description, {{kJson, schema, {}}}};
}

void add_buckets(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/buckets",
                 "listBuckets",
                 "buckets",
                 "List the buckets",
                 "Those that the caller may list.",
                 {},
                 {},
                 {answer("The buckets", "#Buckets")},
                 {},
                 &list_buckets,
                 {Of::kAnybody}});
  out.push_back({"GET",
                 "/v1/buckets/{bucket}",
                 "getBucket",
                 "buckets",
                 "Show a bucket",
                 "",
                 {},
                 {},
                 {answer("The bucket", "#Bucket")},
                 {404},
                 &get_bucket,
                 {Of::kBucket, access::kDescribe}});
  out.push_back(
      {"PUT",
       "/v1/buckets/{bucket}",
       "putBucket",
       "buckets",
       "Create or change a bucket",
       "The body is the bucket's entry in a lake file, as JSON. Keys that it doesn't say stay as they "
       "are. Objects go over S3.",
       {},
       {{kJson, "#BucketSpec",
         R"json({"versioning":"enabled","lifecycle":[{"prefix":"tmp/","expire":"7d"}]})json"}},
       {answer("It was changed", "#Bucket"), answer("It was created", "#Bucket", 201)},
       {409},
       &put_bucket,
       {Of::kBucket}});
  out.push_back({"DELETE",
                 "/v1/buckets/{bucket}",
                 "deleteBucket",
                 "buckets",
                 "Remove a bucket",
                 "It must be empty.",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 409},
                 &delete_bucket,
                 {Of::kBucket}});
}

void add_principals(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/whoami",
                 "whoAmI",
                 "access",
                 "Who the caller is",
                 "",
                 {},
                 {},
                 {answer("The caller", "#Caller")},
                 {},
                 &who_am_i,
                 {Of::kAnybody}});
  out.push_back({"GET",
                 "/v1/principals",
                 "listPrincipals",
                 "access",
                 "List the users",
                 "",
                 {},
                 {},
                 {answer("The users", "#Principals")},
                 {},
                 &list_principals,
                 {Of::kLake, access::kDescribe}});
  out.push_back({"GET",
                 "/v1/principals/{principal}",
                 "getPrincipal",
                 "access",
                 "Show a user",
                 "",
                 {},
                 {},
                 {answer("The user", "#Principal")},
                 {404},
                 &get_principal,
                 {Of::kLake, access::kDescribe}});
}

void add_principal_changes(std::vector<Route>& out) {
  out.push_back({"PUT",
                 "/v1/principals/{principal}",
                 "putPrincipal",
                 "access",
                 "Create or change a user",
                 "The body is the principal's entry in a lake file, as JSON.",
                 {kOrigin},
                 {{kJson, "#PrincipalSpec", R"json({"roles":["analyst"]})json"}},
                 {answer("It was changed", "#Principal"), answer("It was created", "#Principal", 201)},
                 {404, 409},
                 &put_principal,
                 {Of::kLake}});
  out.push_back({"DELETE",
                 "/v1/principals/{principal}",
                 "deletePrincipal",
                 "access",
                 "Remove a user, its keys and its password",
                 "",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 409},
                 &delete_principal,
                 {Of::kLake}});
  out.push_back({"PUT",
                 "/v1/principals/{principal}/password",
                 "putPassword",
                 "access",
                 "Set or take away a password",
                 "It is kept as a SCRAM-SHA-256 verifier.",
                 {},
                 {{kJson, "#Password", R"json({"password":"correct horse battery staple"})json"}},
                 {{204, "It is set", {}}},
                 {404},
                 &put_password,
                 {Of::kLake}});
}

void add_roles(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/roles",
                 "listRoles",
                 "access",
                 "List the roles",
                 "",
                 {},
                 {},
                 {answer("The roles", "#Roles")},
                 {},
                 &list_roles,
                 {Of::kLake, access::kDescribe}});
  out.push_back({"GET",
                 "/v1/roles/{role}",
                 "getRole",
                 "access",
                 "Show a role",
                 "",
                 {},
                 {},
                 {answer("The role", "#Role")},
                 {404},
                 &get_role,
                 {Of::kLake, access::kDescribe}});
  out.push_back(
      {"PUT",
       "/v1/roles/{role}",
       "putRole",
       "access",
       "Create or change a role",
       "Its grants, as in a lake file.",
       {kOrigin},
       {{kJson, "#RoleSpec", R"json({"grants":[{"select":"raw.*"},{"read":"s3://reports/*"}]})json"}},
       {answer("It was changed", "#Role"), answer("It was created", "#Role", 201)},
       {409},
       &put_role,
       {Of::kLake}});
  out.push_back({"DELETE",
                 "/v1/roles/{role}",
                 "deleteRole",
                 "access",
                 "Remove a role",
                 "Not while a principal has it.",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 409},
                 &delete_role,
                 {Of::kLake}});
}

void add_keys(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/keys",
                 "listKeys",
                 "access",
                 "List access keys",
                 "",
                 {{"user", "query", R"({"type":"string"})", "Whose; all if it is left out"}},
                 {},
                 {answer("The keys, without their secrets", "#Keys")},
                 {404},
                 &list_keys,
                 {Of::kLake, access::kDescribe}});
  out.push_back({"POST",
                 "/v1/keys",
                 "createKey",
                 "access",
                 "Create an access key",
                 "Its secret is told this once.",
                 {},
                 {{kJson, "#NewKey", R"json({"user":"alice","description":"laptop"})json"}},
                 {answer("The key and its secret", "#Key", 201)},
                 {404, 409},
                 &post_key,
                 {Of::kLake}});
  out.push_back({"PUT",
                 "/v1/keys/{key}",
                 "putKey",
                 "access",
                 "Enable or disable a key",
                 "",
                 {},
                 {{kJson, "#KeyState", R"json({"active":false})json"}},
                 {{204, "It is so", {}}},
                 {404, 409},
                 &put_key,
                 {Of::kLake}});
  out.push_back({"DELETE",
                 "/v1/keys/{key}",
                 "deleteKey",
                 "access",
                 "Remove a key",
                 "",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404, 409},
                 &delete_key,
                 {Of::kLake}});
}

void add_secrets(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/secrets",
                 "listSecrets",
                 "secrets",
                 "List the secrets",
                 "Never their values.",
                 {},
                 {},
                 {answer("The secrets", "#Secrets")},
                 {},
                 &list_secrets,
                 {Of::kLake, access::kDescribe}});
  out.push_back({"PUT",
                 "/v1/secrets/{secret}",
                 "putSecret",
                 "secrets",
                 "Declare a secret",
                 "",
                 {kOrigin},
                 {{kJson, "#SecretSpec", R"json({"description":"of the warehouse"})json"}},
                 {answer("It was changed", "#Secret"), answer("It was created", "#Secret", 201)},
                 {},
                 &put_secret,
                 {Of::kLake}});
  out.push_back({"DELETE",
                 "/v1/secrets/{secret}",
                 "deleteSecret",
                 "secrets",
                 "Remove a secret",
                 "",
                 {},
                 {},
                 {{204, "It is removed", {}}},
                 {404},
                 &delete_secret,
                 {Of::kLake}});
}

void add_secret_values(std::vector<Route>& out) {
  out.push_back({"GET",
                 "/v1/secrets/{secret}/value",
                 "getSecretValue",
                 "secrets",
                 "Read a secret's value",
                 "",
                 {},
                 {},
                 {answer("The value", "#SecretValue")},
                 {404},
                 &get_secret_value,
                 {Of::kSecret, access::kUseSecret}});
  out.push_back({"PUT",
                 "/v1/secrets/{secret}/value",
                 "putSecretValue",
                 "secrets",
                 "Give a secret a value",
                 "The one before stays as AWSPREVIOUS.",
                 {},
                 {{kJson, "#SecretValue", R"json({"value":"hunter2"})json"}},
                 {answer("The secret", "#Secret")},
                 {413},
                 &put_secret_value,
                 {Of::kLake}});
  out.push_back({"POST",
                 "/v1/secrets/{secret}/rotate",
                 "rotateSecret",
                 "secrets",
                 "Give a secret a random value",
                 "",
                 {},
                 {{kJson, "#Rotation", R"json({"length":32})json"}},
                 {answer("The secret", "#Secret")},
                 {404},
                 &rotate_secret,
                 {Of::kLake}});
  out.push_back({"POST",
                 "/v1/rekey",
                 "rekey",
                 "secrets",
                 "Seal everything with a new key",
                 "Makes a new key in the key file, seals keys and secrets again, forgets the old key.",
                 {},
                 {},
                 {{204, "It is done", {}}},
                 {},
                 &rekey,
                 {Of::kLake}});
}

}  // namespace

void add_access_routes(std::vector<Route>& out) {
  add_buckets(out);
  add_principals(out);
  add_principal_changes(out);
  add_roles(out);
  add_keys(out);
  add_secrets(out);
  add_secret_values(out);
}

}  // namespace tarn::http
