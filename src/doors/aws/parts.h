// What the AWS doors work with. Filled by the program, borrowed by each service's door.
//
// Owns: nothing; everything outlives the server.
// Threads: a value; what it points to takes calls from any thread.
#pragma once

#include <string>
#include <vector>

#include "access/guard.h"
#include "access/identities.h"
#include "base/metrics.h"
#include "base/time.h"
#include "lake/catalog.h"
#include "store/objects.h"
#include "store/outbox.h"
#include "store/store.h"

namespace tarn::aws {

struct Parts {
  access::Identities& identities;
  const access::Guard& guard;
  store::Objects& objects;
  store::Store& store;  // of the table bucket
  lake::Catalog& catalog;
  std::string table_bucket;  // "lake": tables' files, read-only here
  Metrics& metrics;
  const Clock& clock;
  std::string region = "us-east-1";  // of new buckets, and what AWS errors name
  bool strict_region = false;        // refuse signatures for another one
  // Domains of virtual-host addressing: Host bucket.<domain>.
  std::vector<std::string> domains = {"localhost", "s3.localhost"};
  // A port of S3's signed URLs that were made for another name is no problem: Host is signed as it was sent.
};

}  // namespace tarn::aws
