#include "doors/http/native_api.h"

#include "doors/http/api.h"
#include "doors/http/routes.h"

namespace tarn::http {

Handler make_native_api(ApiParts parts) {
  // Shared by the copies of the handler: a std::function is copied with what it holds.
  auto api = std::make_shared<Api>(std::move(parts));
  return [api](Request& request, Responder& responder) { dispatch(*api, request, responder); };
}

}  // namespace tarn::http
