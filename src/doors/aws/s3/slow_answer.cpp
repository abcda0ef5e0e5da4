#include "doors/aws/s3/slow_answer.h"

namespace tarn::aws::s3 {

namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

std::string_view without_declaration(std::string_view xml) {
  if (!xml.starts_with("<?xml")) return xml;
  size_t end = xml.find("?>");
  return end == std::string_view::npos ? xml : xml.substr(end + 2);
}

}  // namespace

S3Status SlowAnswer::tick() {
  auto now = std::chrono::steady_clock::now();
  if (now - last_ < patience_) return {};
  last_ = now;
  if (!begun_) {
    std::vector<http::Header> headers = call_.extra;
    headers.push_back({"Content-Type", "application/xml"});
    TARN_TRY(call_.responder.begin(200, std::move(headers)));
    begun_ = true;
    // A declaration must stand before anything else, blanks too.
    TARN_TRY(call_.responder.write(kDeclaration));
  }
  TARN_TRY(call_.responder.write(" "));
  return {};
}

S3Status SlowAnswer::finish(S3Result<std::string> xml, std::vector<http::Header> headers) {
  if (!begun_) {
    if (!xml) return refuse(std::move(xml).error());
    return call_.send_xml(200, *xml, std::move(headers));
  }
  std::string text = xml ? *std::move(xml) : error_xml(xml.error(), call_.request_id, call_.host_id);
  TARN_TRY(call_.responder.write(without_declaration(text)));
  TARN_TRY(call_.responder.end());
  return {};
}

}  // namespace tarn::aws::s3
