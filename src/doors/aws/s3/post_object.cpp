// PostObject: a browser's form that puts an object. Its fields stand for headers, its policy for the signature.
#include <algorithm>
#include <array>

#include "access/base64.h"
#include "doors/aws/s3/multipart_form.h"
#include "doors/aws/s3/post_policy.h"
#include "doors/aws/s3/text.h"

namespace tarn::aws::s3 {

namespace {

constexpr size_t kFieldsBytesMax = 20 * 1024;  // of all fields before the file
constexpr size_t kStepBytes = 256 * 1024;

struct Form {
  Fields fields;  // names in lower case, as they came otherwise
  FormPart file;
};

S3Error malformed() {
  return S3Error("MalformedPOSTRequest", 400,
                 "The body of your POST request is not well-formed multipart/form-data.");
}

// What the form, or the payload under it, failed with.
S3Error of_form_error(Call& call, const Error& error) {
  if (call.who.payload->problem() != Payload::Problem::kNone) return of_payload(*call.who.payload, error);
  if (error.code == Code::kInvalid) return malformed();
  if (error.code == Code::kTooLarge) {
    return S3Error("MaxPostPreDataLengthExceeded", 400,
                   "Your POST request fields preceding the upload file were too large.");
  }
  return of_payload(*call.who.payload, error);
}

Error fields_too_large() {
  return {Code::kTooLarge, "fields of a form", 0};
}

S3Result<std::string> read_field(Call& call, MultipartForm& form, size_t bytes_max) {
  std::string out;
  char piece[4096];
  while (true) {
    auto got = form.read(piece);
    if (!got) return refuse(of_form_error(call, got.error()));
    if (*got == 0) return out;
    if (out.size() + *got > bytes_max) {
      return refuse(of_form_error(call, fields_too_large()));
    }
    out.append(piece, *got);
  }
}

// The fields up to the file, whose bytes are next.
S3Result<Form> read_fields(Call& call, MultipartForm& form) {
  Form out;
  size_t bytes_left = kFieldsBytesMax;
  while (true) {
    auto part = form.next();
    if (!part) return refuse(of_form_error(call, part.error()));
    if (!*part) {
      return refuse("InvalidArgument", "POST requires exactly one file upload per request.",
                    {{"ArgumentName", "file"}, {"ArgumentValue", "0"}});
    }
    std::string name = lower((*part)->name);
    if (name == "file") {
      out.file = **std::move(part);
      return out;
    }
    if (name.size() >= bytes_left) return refuse(of_form_error(call, fields_too_large()));
    bytes_left -= name.size() + 1;  // also of a field without name or value
    TARN_ASSIGN(std::string value, read_field(call, form, bytes_left));
    bytes_left -= value.size();
    if (field(out.fields, name) == nullptr) out.fields.emplace_back(std::move(name), std::move(value));
  }
}

// The last name of a path, as browsers of old sent whole ones.
std::string base_name(const std::string& filename) {
  size_t slash = filename.find_last_of("/\\");
  return slash == std::string::npos ? filename : filename.substr(slash + 1);
}

void expand_filename(Form& form) {
  constexpr std::string_view kVariable = "${filename}";
  std::string name = base_name(form.file.filename.value_or(""));
  for (auto& [key, value] : form.fields) {
    if (key == "policy" || key == "signature" || key == "x-amz-signature") continue;
    for (size_t at = 0; (at = value.find(kVariable, at)) != std::string::npos; at += name.size()) {
      value.replace(at, kVariable.size(), name);
    }
  }
}

// The signed principal, and the policy that was signed; without any, whoever the call came from.
S3Result<std::optional<PostPolicy>> authenticate(Call& call, const Form& form) {
  constexpr std::array<std::string_view, 5> kOfSignatures = {"policy", "signature", "x-amz-signature",
                                                             "awsaccesskeyid", "x-amz-credential"};
  bool signs =
      std::ranges::any_of(kOfSignatures, [&](auto name) { return field(form.fields, name) != nullptr; });
  if (!signs) return std::nullopt;
  const std::string* encoded = field(form.fields, "policy");
  if (encoded == nullptr) {
    return refuse(
        "InvalidArgument",
        "Bucket POST must contain a field named 'policy'.  If it is specified, please check the order "
        "of the fields.",
        {{"ArgumentName", "policy"}, {"ArgumentValue", ""}});
  }
  bool v4 =
      field(form.fields, "x-amz-credential") != nullptr || field(form.fields, "x-amz-algorithm") != nullptr;
  for (std::string_view name :
       {v4 ? "x-amz-credential" : "awsaccesskeyid", v4 ? "x-amz-signature" : "signature"}) {
    if (field(form.fields, name) != nullptr) continue;
    return refuse("InvalidArgument",
                  "Bucket POST must contain a field named '" + std::string(name) +
                      "'.  If it is specified, please check the order of the fields.",
                  {{"ArgumentName", std::string(name)}, {"ArgumentValue", ""}});
  }
  const Parts& parts = call.s3.parts;
  AuthOptions options{parts.identities, parts.clock, std::chrono::minutes(15), ""};
  if (parts.strict_region) options.region = parts.region;
  auto principal = authenticate_form(form.fields, options);
  if (!principal) return refuse(of_refusal(principal.error(), call.request));
  call.who.principal = *std::move(principal);
  call.who.scheme = v4 ? Scheme::kPresignedV4 : Scheme::kPresignedV2;
  std::string packed = *encoded;
  std::erase_if(packed, [](char c) { return c == '\r' || c == '\n' || c == ' '; });
  auto text = access::from_base64(packed);
  if (!text) return refuse(S3Error("InvalidPolicyDocument", 400, "Invalid Policy: not base64."));
  TARN_ASSIGN(PostPolicy policy, parse_post_policy(*text));
  return policy;
}

// The fields named as the headers of a PUT.
Fields as_headers(const Form& form) {
  Fields out;
  for (const auto& [name, value] : form.fields) {
    if (name == "tagging" || name == "if-match" || name == "if-none-match") continue;
    out.emplace_back(name == "acl" ? "x-amz-acl" : name, value);
  }
  return out;
}

S3Result<WriteHeaders> headers_of(Call& call, const Form& form) {
  TARN_ASSIGN(WriteHeaders headers, parse_write_fields(call.s3, *call.form, Reads::kAll, true));
  headers.checksum_in_trailer = false;
  if (const std::string* tags = field(form.fields, "tagging")) {
    TARN_ASSIGN(headers.attributes.tags, tags_of_xml(*tags, 10));
  }
  return headers;
}

S3Error bad_size(std::string code, std::string message, uint64_t bytes, const char* limit_name,
                 uint64_t limit) {
  return S3Error(std::move(code), 400, std::move(message),
                 {{"ProposedSize", std::to_string(bytes)}, {limit_name, std::to_string(limit)}});
}

S3Status receive_file(Call& call, MultipartForm& form, const std::optional<PostPolicy>& policy,
                      store::Writer& writer) {
  uint64_t most = call.s3.put_bytes_max;
  uint64_t least = 0;
  if (policy) {
    most = std::min(most, policy->bytes_max.value_or(most));
    least = policy->bytes_min.value_or(0);
  }
  uint64_t announced = call.who.payload->length().value_or(kStepBytes);
  auto step = static_cast<size_t>(std::clamp<uint64_t>(announced, 4096, kStepBytes));
  auto buffer = std::make_unique_for_overwrite<char[]>(step);
  while (true) {
    auto got = form.read({buffer.get(), step});
    if (!got) return refuse(of_form_error(call, got.error()));
    if (*got == 0) break;
    if (writer.bytes() + *got > most) {
      return refuse(bad_size("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size",
                             writer.bytes() + *got, "MaxSizeAllowed", most));
    }
    TARN_TRY(writer.write({buffer.get(), *got}));
  }
  if (writer.bytes() < least) {
    return refuse(bad_size("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size",
                           writer.bytes(), "MinSizeAllowed", least));
  }
  TARN_TRY(writer.finish());
  return {};
}

// Reads what follows the file, which means nothing, so that the body's own checks are made.
S3Status skip_rest(Call& call, MultipartForm& form) {
  while (true) {
    auto part = form.next();
    if (!part) return refuse(of_form_error(call, part.error()));
    if (!*part) break;
  }
  char rest[4096];
  while (true) {
    auto got = call.who.payload->read(rest);
    if (!got) return refuse(of_payload(*call.who.payload, got.error()));
    if (*got == 0) return {};
  }
}

S3Status answer(Call& call, const Form& form, const store::Version& version) {
  std::string location = call.location();
  std::vector<http::Header> headers = {{"ETag", quote_etag(version.etag)}};
  add_written_headers(call, version, headers);
  if (version.checksum) add_checksum_headers(*version.checksum, 0, headers);
  const std::string* redirect = field(form.fields, "success_action_redirect");
  if (redirect == nullptr) redirect = field(form.fields, "redirect");
  bool goes = redirect != nullptr && is_header_text(*redirect) &&
              (redirect->starts_with("http://") || redirect->starts_with("https://"));
  if (goes) {
    std::string target = *redirect + (redirect->find('?') == std::string::npos ? "?" : "&");
    target += "bucket=" + percent_encode(call.bucket, false) + "&key=" + percent_encode(call.key, false) +
              "&etag=" + percent_encode(quote_etag(version.etag), false);
    headers.push_back({"Location", target});
    return call.send(303, std::move(headers));
  }
  headers.push_back({"Location", location});
  const std::string* wanted = field(form.fields, "success_action_status");
  if (wanted != nullptr && *wanted == "201") {
    XmlWriter xml;
    xml.open("PostResponse").text("Location", location).text("Bucket", call.bucket).text("Key", call.key);
    xml.text("ETag", quote_etag(version.etag));
    return call.send_xml(201, xml.take(), std::move(headers));
  }
  return call.send(wanted != nullptr && *wanted == "200" ? 200 : 204, std::move(headers));
}

S3Status put_file(Call& call, MultipartForm& form, const Form& fields,
                  const std::optional<PostPolicy>& policy) {
  TARN_ASSIGN(WriteHeaders headers, headers_of(call, fields));
  TARN_TRY(allow_write(call, headers, ""));
  store::Algorithm algorithm = headers.kept();
  store::Objects& objects = call.s3.parts.objects;
  TARN_ASSIGN(auto writer, objects.writer(call.who.payload->length(), std::span(&algorithm, 1)));
  TARN_TRY(receive_file(call, form, policy, *writer));
  TARN_TRY(skip_rest(call, form));
  TARN_ASSIGN(store::Checksum checksum, verify(headers, writer->digests(), {}));
  auto version = objects.put(std::move(writer),
                             put_request(call, std::move(headers), std::move(checksum), "POST Object"));
  if (!version) return refuse(of_put_error(call, std::move(version).error(), {}));
  return answer(call, fields, *version);
}

}  // namespace

S3Status post_object(Call& call) {
  auto boundary = MultipartForm::boundary_of(call.header("content-type"));
  if (!boundary) {
    return refuse(S3Error("PreconditionFailed", 412,
                          "At least one of the pre-conditions you specified did not hold",
                          {{"Condition", "Bucket POST must be of the enclosure-type multipart/form-data"}}));
  }
  TARN_TRY(find_bucket(call, call.bucket));
  TARN_TRY(announced_length(call));
  MultipartForm form([&](std::span<char> out) { return call.who.payload->read(out); }, *boundary);
  TARN_ASSIGN(Form fields, read_fields(call, form));
  expand_filename(fields);
  const std::string* key = field(fields.fields, "key");
  if (key == nullptr || key->empty()) {
    return refuse("InvalidArgument",
                  key == nullptr
                      ? "Bucket POST must contain a field named 'key'.  If it is specified, please check "
                        "the order of the fields."
                      : "User key must have a length greater than 0.",
                  {{"ArgumentName", "key"}, {"ArgumentValue", ""}});
  }
  call.key = *key;
  TARN_ASSIGN(std::optional<PostPolicy> policy, authenticate(call, fields));
  if (policy) {
    TARN_TRY(check_post_policy(*policy, fields.fields, call.bucket, call.s3.parts.clock.now()));
  }
  TARN_TRY(check_key(call.s3, call.key));
  call.form = as_headers(fields);
  return put_file(call, form, fields, policy);
}

}  // namespace tarn::aws::s3
