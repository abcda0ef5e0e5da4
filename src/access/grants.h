// Grants as a lake file declares them, and the policy that they mean.
//
//   - select: raw.*                     rows of tables (whole ones), by SQL, Iceberg and the table's objects
//   - insert: raw.clicks                rows into tables
//   - put: clicks                       records into a stream
//   - read: s3://reports/2026/*         objects, their listing (of prefixes that fit) and metadata
//   - write: s3://reports/in/*          objects: put, delete, multipart; no listing, no old versions
//   - use: secret-name                  a secret's value
//   - assume: other-role                become another role (its name whole, or "*")
//   - admin: "*"                        everything
// Each value is one text or a list. Names may have '*'; a bucket's only at its end, with all its objects. Keys of
// objects may have IAM's variables: s3://home/${aws:username}/*.
// Shapes: JSON as in the lake file: [{"select": "raw.*"}, {"read": ["s3://a/*"]}].
// Threads: pure functions.
// Fails: kInvalid names the grant and what it may be.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "access/policy.h"
#include "base/error.h"

namespace tarn::access {

inline constexpr size_t kGrantsMax = 1000;  // of a role: each request of who has it looks through them

enum class Right { kSelect, kInsert, kPut, kRead, kWrite, kUse, kAssume, kAdmin };
std::string_view right_name(Right right);

struct Grant {
  Right right = Right::kSelect;
  std::string on;
  bool operator==(const Grant&) const = default;
};

Result<std::vector<Grant>> grants_from_json(std::string_view json);
std::string grants_to_json(const std::vector<Grant>& grants);
// `name` is for reasons: "role analyst". A grant that grants_from_json() would refuse grants nothing.
std::shared_ptr<const Policy> grants_policy(const std::vector<Grant>& grants, std::string name);

// What the native doors ask about; resources are ARNs so that IAM policies can name them.
inline constexpr std::string_view kSelect = "tarn:Select";          // table_arn()
inline constexpr std::string_view kInsert = "tarn:Insert";          // table_arn()
inline constexpr std::string_view kPutRecords = "tarn:PutRecords";  // stream_arn()
inline constexpr std::string_view kDescribe =
    "tarn:Describe";                                        // any of the resources: its definition, status
inline constexpr std::string_view kManage = "tarn:Manage";  // create, change, remove, maintain
inline constexpr std::string_view kUseSecret = "secretsmanager:GetSecretValue";  // secret_arn()
inline constexpr std::string_view kAssumeRole = "sts:AssumeRole";                // role_arn()
std::string table_arn(std::string_view database, std::string_view table);  // arn:aws:tarn:::table/raw/clicks
std::string stream_arn(std::string_view stream);                           // arn:aws:tarn:::stream/clicks
std::string lake_arn();                                                    // arn:aws:tarn:::lake
std::string secret_arn(std::string_view secret);  // arn:aws:secretsmanager:::secret:name, without suffix
std::string role_arn(std::string_view role, std::string_view path = "/");
std::string user_arn(std::string_view user, std::string_view path = "/");
std::string object_arn(std::string_view bucket, std::string_view key);  // arn:aws:s3:::bucket/key
std::string bucket_arn(std::string_view bucket);

}  // namespace tarn::access
