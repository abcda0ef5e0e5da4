// How S3 writes checksums: names of headers and elements, base64; declared in operations.h.
#include "access/base64.h"
#include "doors/aws/s3/operations.h"

namespace tarn::aws::s3 {

std::string checksum_header(store::Algorithm algorithm) {
  std::string out = "x-amz-checksum-";
  for (char c : store::algorithm_name(algorithm)) out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

std::string checksum_element(store::Algorithm algorithm) {
  return "Checksum" + std::string(store::algorithm_name(algorithm));
}

std::string to_base64(std::string_view bytes) {
  return access::base64(bytes);
}

std::string checksum_text(const store::Checksum& checksum, int parts) {
  std::string out = to_base64(checksum.value);
  if (!checksum.full_object) out += "-" + std::to_string(parts);
  return out;
}

void add_checksum_headers(const store::Checksum& checksum, int parts, std::vector<http::Header>& headers) {
  headers.push_back({checksum_header(checksum.algorithm), checksum_text(checksum, parts)});
  headers.push_back({"x-amz-checksum-type", checksum.full_object ? "FULL_OBJECT" : "COMPOSITE"});
}

void add_checksum_elements(const store::Checksum& checksum, int parts, XmlWriter& xml) {
  xml.text(checksum_element(checksum.algorithm), checksum_text(checksum, parts));
  xml.text("ChecksumType", checksum.full_object ? "FULL_OBJECT" : "COMPOSITE");
}

}  // namespace tarn::aws::s3
