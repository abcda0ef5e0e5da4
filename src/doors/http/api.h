// What the actions of the native API share, and their names.
//
// Owns: the thread that looks after queries whose client may have gone.
// Threads: actions run on many workers at once.
// Fails: as routes.h says for an Action.
#pragma once

#include <chrono>

#include <boost/json/object.hpp>

#include "doors/http/native_api.h"
#include "doors/http/routes.h"

namespace tarn::http {

struct Api {
  explicit Api(ApiParts p) : parts(std::move(p)) {}
  const ApiParts parts;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

// May this caller be shown that this is there? Asked for each entry of a list; leaves no trail.
bool may_see(Api& api, const Call& call, std::string_view resource);

// records.cpp
Status post_records(Api& api, Call& call);
// sql.cpp
Status post_sql(Api& api, Call& call);
// stream_resources.cpp
Status list_streams(Api& api, Call& call);
Status get_stream(Api& api, Call& call);
Status put_stream(Api& api, Call& call);
Status delete_stream(Api& api, Call& call);
Status flush_stream(Api& api, Call& call);
Status redrive_stream(Api& api, Call& call);
Result<std::shared_ptr<flow::Stream>> find_stream(Api& api, const Call& call,
                                                  const std::string& name);  // names the nearest
Status check_own_stream(const std::string& name);                            // kDenied for the lake's own
boost::json::object stream_json(const flow::Stream& stream);
// table_resources.cpp
Status list_tables(Api& api, Call& call);
Status get_table(Api& api, Call& call);
Status put_table(Api& api, Call& call);
Status delete_table(Api& api, Call& call);
Status list_snapshots(Api& api, Call& call);
Status list_files(Api& api, Call& call);
Status maintain_table(Api& api, Call& call);
Status change_column(Api& api, Call& call);
Status delete_column(Api& api, Call& call);
// bucket_resources.cpp
Status list_buckets(Api& api, Call& call);
Status get_bucket(Api& api, Call& call);
Status put_bucket(Api& api, Call& call);
Status delete_bucket(Api& api, Call& call);
// access_resources.cpp
Status who_am_i(Api& api, Call& call);
Status list_principals(Api& api, Call& call);
Status get_principal(Api& api, Call& call);
Status put_principal(Api& api, Call& call);
Status delete_principal(Api& api, Call& call);
Status put_password(Api& api, Call& call);
Status list_roles(Api& api, Call& call);
Status get_role(Api& api, Call& call);
Status put_role(Api& api, Call& call);
Status delete_role(Api& api, Call& call);
Status list_keys(Api& api, Call& call);
Status post_key(Api& api, Call& call);
Status put_key(Api& api, Call& call);
Status delete_key(Api& api, Call& call);
Status list_secrets(Api& api, Call& call);
Status put_secret(Api& api, Call& call);
Status delete_secret(Api& api, Call& call);
Status get_secret_value(Api& api, Call& call);
Status put_secret_value(Api& api, Call& call);
Status rotate_secret(Api& api, Call& call);
Status rekey(Api& api, Call& call);
// lake_resources.cpp
Status get_status(Api& api, Call& call);
Status get_metrics(Api& api, Call& call);
Status get_health(Api& api, Call& call);
Status get_openapi(Api& api, Call& call);

}  // namespace tarn::http
