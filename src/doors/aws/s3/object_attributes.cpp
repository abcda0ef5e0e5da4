// GetObjectAttributes: what an object is, without its bytes.
#include <algorithm>
#include <charconv>
#include <set>

#include "doors/aws/s3/object_internal.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr Actions kRead = {"s3:GetObject", "s3:GetObjectVersion"};
constexpr size_t kPartsMax = 1000;

S3Result<std::set<std::string>> wanted_attributes(Call& call) {
  const std::set<std::string> known = {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"};
  std::set<std::string> wanted;
  Fields fields = fields_of(call);
  const std::string* text = field(fields, "x-amz-object-attributes");
  std::string_view rest = text == nullptr ? std::string_view() : *text;
  while (!rest.empty()) {
    size_t comma = rest.find(',');
    std::string_view one = trim(rest.substr(0, comma));
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    if (one.empty()) continue;
    if (!known.contains(std::string(one))) {
      return refuse("InvalidArgument", "Invalid attribute name specified.",
                    {{"ArgumentName", "x-amz-object-attributes"}, {"ArgumentValue", std::string(one)}});
    }
    wanted.emplace(one);
  }
  if (wanted.empty()) {
    return refuse("InvalidRequest",
                  "The x-amz-object-attributes header specifying the attributes to be retrieved is either "
                  "missing or empty");
  }
  return wanted;
}

S3Result<size_t> number_header(Call& call, const std::string& name, size_t otherwise) {
  std::string text = call.header(name);
  if (text.empty()) return otherwise;
  size_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return refuse("InvalidArgument", "Provided " + name + " not an integer or within integer range",
                  {{"ArgumentName", name}, {"ArgumentValue", text}});
  }
  return value;
}

// Parts are numbered as GET's partNumber counts them: from 1 on without gaps.
S3Status write_parts(Call& call, const store::Reader& reader, XmlWriter& xml) {
  TARN_ASSIGN(size_t limit, number_header(call, "x-amz-max-parts", kPartsMax));
  TARN_ASSIGN(size_t marker, number_header(call, "x-amz-part-number-marker", 0));
  limit = std::min(limit, kPartsMax);
  const std::vector<store::Part>& parts = reader.parts();
  const std::optional<store::Checksum>& whole = reader.version().checksum;
  size_t first = std::min(marker, parts.size());
  size_t last = std::min(first + limit, parts.size());
  xml.open("ObjectParts").number("PartsCount", static_cast<int64_t>(parts.size()));
  // S3 tells of parts when they were uploaded with checksums.
  bool told = whole && (!whole->full_object || whole->algorithm != store::Algorithm::kCrc64nvme);
  if (told) {
    xml.number("PartNumberMarker", static_cast<int64_t>(marker));
    xml.number("NextPartNumberMarker", static_cast<int64_t>(last));
    xml.number("MaxParts", static_cast<int64_t>(limit));
    xml.flag("IsTruncated", last < parts.size());
    for (size_t i = first; i < last; ++i) {
      xml.open("Part").number("PartNumber", static_cast<int64_t>(i + 1));
      xml.number("Size", static_cast<int64_t>(parts[i].bytes));
      if (parts[i].checksum) {
        xml.text(checksum_element(parts[i].checksum->algorithm), to_base64(parts[i].checksum->value));
      }
      xml.close();
    }
  }
  xml.close();
  return {};
}

}  // namespace

S3Status get_object_attributes(Call& call) {
  TARN_TRY(refuse_customer_keys(call));
  Named named;
  TARN_ASSIGN(auto reader, open_version(call, kRead, named));
  const store::Version& version = reader->version();
  bool by_version = !named.version_id.empty();
  access::Context context;
  add_existing_tags(version.attributes.tags, context);
  TARN_TRY(call.allow(by_version ? "s3:GetObjectVersionAttributes" : "s3:GetObjectAttributes", call.bucket,
                      call.key, &context));
  TARN_ASSIGN(std::set<std::string> wanted, wanted_attributes(call));
  XmlWriter xml;
  xml.open("GetObjectAttributesResponse", kS3Namespace);
  if (wanted.contains("ETag")) xml.text("ETag", version.etag);
  if (wanted.contains("Checksum") && version.checksum) {
    xml.open("Checksum");
    add_checksum_elements(*version.checksum, version.part_count, xml);
    xml.close();
  }
  if (wanted.contains("ObjectParts") && !reader->parts().empty()) TARN_TRY(write_parts(call, *reader, xml));
  if (wanted.contains("StorageClass")) xml.text("StorageClass", version.storage_class);
  if (wanted.contains("ObjectSize")) xml.number("ObjectSize", static_cast<int64_t>(version.bytes));
  std::vector<http::Header> headers = {{"Last-Modified", http_date(version.modified)}};
  if (named.bucket.versioning != store::Versioning::kNever)
    headers.push_back({"x-amz-version-id", version.id});
  return call.send_xml(200, xml.take(), std::move(headers));
}

}  // namespace tarn::aws::s3
