// DeleteObject and DeleteObjects.
#include "doors/aws/s3/object_internal.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kKeysMax = 1000;

std::string_view delete_action(const std::string& version_id) {
  return version_id.empty() ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
}

std::string unquoted(std::string text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

// If-Match: * only asks for something to be there.
S3Status check_there(Call& call, const std::string& version_id) {
  auto found = call.s3.parts.objects.head(call.bucket, call.key, version_id);
  if (!found) return refuse(of_missing(call, found.error(), call.bucket, call.key, version_id));
  if (found->delete_marker) return refuse(precondition_failed("If-Match"));
  return {};
}

S3Status check_unsupported_conditions(Call& call) {
  for (const char* name : {"x-amz-if-match-last-modified-time", "x-amz-if-match-size"}) {
    if (!call.header(name).empty()) {
      return refuse("NotImplemented", "A header you provided implies functionality that is not implemented",
                    {{"Header", name}});
    }
  }
  return {};
}

S3Error of_remove_error(Call& call, const Error& error, const std::string& key,
                        const std::string& version_id) {
  if (error.code == Code::kConflict) return precondition_failed("If-Match");
  return of_missing(call, error, call.bucket, key, version_id);
}

// One key of a multi-delete, with its verdict.
struct Entry {
  std::string key;
  std::string version_id;
  std::optional<S3Error> error;
  store::Removed removed;
};

S3Result<std::vector<Entry>> read_entries(Call& call, const XmlNode& root,
                                          std::vector<store::Objects::RemoveKey>& to_remove) {
  std::vector<const XmlNode*> objects = root.all("Object");
  if (objects.empty() || objects.size() > kKeysMax) return refuse("MalformedXML");
  std::vector<Entry> entries;
  for (const XmlNode* object : objects) {
    Entry entry{object->value("Key"), object->value("VersionId"), std::nullopt, {}};
    if (entry.key.empty()) return refuse("MalformedXML");
    store::Objects::RemoveKey remove{entry.key, entry.version_id, {}};
    if (const XmlNode* etag = object->child("ETag")) remove.conditions.if_match = unquoted(etag->text);
    S3Status verdict = check_key(call.s3, entry.key);
    if (verdict && !entry.version_id.empty() && !is_version_id(entry.version_id)) {
      verdict = refuse("NoSuchVersion");
    }
    if (verdict && (object->child("Size") != nullptr || object->child("LastModifiedTime") != nullptr)) {
      verdict = refuse("NotImplemented", "Conditions by size and time are not implemented");
    }
    if (verdict) verdict = call.allow(delete_action(entry.version_id), call.bucket, entry.key);
    if (verdict) {
      to_remove.push_back(std::move(remove));
    } else {
      entry.error = std::move(verdict).error();
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

std::string delete_result(const std::vector<Entry>& entries, bool quiet) {
  XmlWriter xml;
  xml.open("DeleteResult", kS3Namespace);
  for (const Entry& entry : entries) {
    if (entry.error || quiet) continue;
    xml.open("Deleted").text("Key", entry.key);
    if (!entry.version_id.empty()) xml.text("VersionId", entry.version_id);
    if (entry.removed.delete_marker) {
      xml.flag("DeleteMarker", true);
      xml.text("DeleteMarkerVersionId", entry.removed.version_id);
    }
    xml.close();
  }
  for (const Entry& entry : entries) {
    if (!entry.error) continue;
    xml.open("Error").text("Key", entry.key);
    if (!entry.version_id.empty()) xml.text("VersionId", entry.version_id);
    xml.text("Code", entry.error->code).text("Message", entry.error->message).close();
  }
  return xml.take();
}

}  // namespace

S3Status delete_object(Call& call) {
  TARN_TRY(find_bucket(call, call.bucket));
  TARN_TRY(check_key(call.s3, call.key));
  TARN_ASSIGN(std::string version_id, version_parameter(call));
  TARN_TRY(call.allow(delete_action(version_id), call.bucket, call.key));
  TARN_TRY(check_unsupported_conditions(call));
  store::Conditions conditions;
  std::string if_match = call.header("if-match");
  if (if_match == "*") {
    TARN_TRY(check_there(call, version_id));
  } else if (!if_match.empty()) {
    conditions.if_match = unquoted(if_match);
  }
  auto removed =
      call.s3.parts.objects.remove(call.bucket, call.key, version_id, conditions, call.cause("DeleteObject"));
  if (!removed) return refuse(of_remove_error(call, removed.error(), call.key, version_id));
  std::vector<http::Header> headers;
  if (removed->delete_marker) headers.push_back({"x-amz-delete-marker", "true"});
  std::string told = removed->version_id.empty() ? version_id : removed->version_id;
  if (!told.empty()) headers.push_back({"x-amz-version-id", told});
  return call.send(204, std::move(headers));
}

S3Status delete_objects(Call& call) {
  TARN_TRY(find_bucket(call, call.bucket));
  TARN_ASSIGN(std::string text, read_document(call, true));
  auto root = parse_xml(text, "Delete");
  if (!root) return refuse("MalformedXML");
  std::vector<store::Objects::RemoveKey> to_remove;
  TARN_ASSIGN(std::vector<Entry> entries, read_entries(call, *root, to_remove));
  std::vector<Result<store::Removed>> results;
  if (!to_remove.empty()) {
    results = call.s3.parts.objects.remove_many(call.bucket, to_remove, call.cause("DeleteObject"));
  }
  size_t next = 0;
  for (Entry& entry : entries) {
    if (entry.error) continue;
    if (next == results.size()) {
      entry.error = s3_error("InternalError");
      continue;
    }
    Result<store::Removed>& result = results[next++];
    if (result) {
      entry.removed = *std::move(result);
    } else {
      entry.error = of_remove_error(call, result.error(), entry.key, entry.version_id);
    }
  }
  return call.send_xml(200, delete_result(entries, root->value("Quiet") == "true"));
}

}  // namespace tarn::aws::s3
