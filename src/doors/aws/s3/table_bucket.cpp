// The bucket of the lake's tables: readable for engines that may read a whole table, and written by nobody else.
#include "doors/aws/s3/operations.h"
#include "doors/aws/s3/table_files.h"

namespace tarn::aws::s3 {

namespace {

std::string region_xml(const std::string& region) {
  XmlWriter xml;
  xml.open("LocationConstraint", kS3Namespace);
  if (region != "us-east-1") xml.raw(region);
  return xml.take();
}

S3Status list_tables(Call& call, bool v2) {
  TARN_ASSIGN(ListRequest request, read_list_request(call, v2));
  TARN_ASSIGN(store::ObjectPage page, list_table_files(call, request));
  return call.send_xml(200, list_xml(call, request, page));
}

S3Status answer_bucket(Call& call, const Operation& operation) {
  TARN_ASSIGN(bool sees, may_see_tables(call));
  if (!sees) return refuse("AccessDenied");
  const std::string& region = call.s3.parts.region;
  if (operation.run == list_objects || operation.run == list_objects_v2) {
    return list_tables(call, operation.run == list_objects_v2);
  }
  if (operation.run == head_bucket) return call.send(200, {{"x-amz-bucket-region", region}});
  if (operation.run == get_bucket_location) return call.send_xml(200, region_xml(region));
  if (operation.run == get_bucket_versioning) {
    return call.send_xml(200, XmlWriter().open("VersioningConfiguration", kS3Namespace).take());
  }
  return refuse("NotImplemented",
                std::string(operation.name) + " is not implemented for the bucket of the lake's tables");
}

}  // namespace

S3Status table_bucket(Call& call, const Operation& operation) {
  bool reads = operation.method == "GET" || operation.method == "HEAD";
  if (!reads) return refuse("AccessDenied", "Access Denied: the lake writes its tables itself");
  if (operation.on == Operation::On::kBucket) return answer_bucket(call, operation);
  TARN_TRY(check_key(call.s3, call.key));
  TARN_ASSIGN(auto reader, open_table_file(call));
  if (operation.run == get_object) return answer_object(call, *reader);
  return refuse("NotImplemented",
                std::string(operation.name) + " is not implemented for the files of the lake's tables");
}

}  // namespace tarn::aws::s3
