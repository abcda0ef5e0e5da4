#include "access/principal.h"

namespace tarn::access {

Principal Principal::anonymous() {
  Principal principal;
  principal.kind = PrincipalKind::kAnonymous;
  principal.name = "anonymous";
  principal.id = "anonymous";
  principal.arn = "anonymous";
  return principal;
}

Principal Principal::system() {
  Principal principal;
  principal.kind = PrincipalKind::kSystem;
  principal.name = "system";
  principal.id = kAccount;
  principal.arn = "arn:aws:tarn:::system";
  return principal;
}

}  // namespace tarn::access
