#include "store/objects_schema.h"

namespace tarn::store {
namespace {

constexpr meta::Migration kMigrations[] = {
    {"objects", 1, R"sql(
-- 'sequencer': changes, versions, buckets, uploads and rows of object_bytes take their numbers here.
-- 'event': numbers of the outbox. 'open_uploads': how many rows object_uploads has.
CREATE TABLE object_counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO object_counters (name, value) VALUES ('sequencer', 0), ('event', 0), ('open_uploads', 0);

CREATE TABLE object_buckets (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  created_us INTEGER NOT NULL,
  region TEXT NOT NULL,
  owner TEXT NOT NULL,
  versioning INTEGER NOT NULL,  -- 0 never, 1 enabled, 2 suspended
  events INTEGER NOT NULL);
CREATE TABLE object_documents (
  bucket_id INTEGER NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
  PRIMARY KEY (bucket_id, kind)) WITHOUT ROWID;

-- Clustered by key, so that a page of a listing is a few pages of the file. age = -sequencer: newest first.
CREATE TABLE object_versions (
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  age INTEGER NOT NULL,
  version_id TEXT NOT NULL,
  latest INTEGER NOT NULL,
  delete_marker INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_us INTEGER NOT NULL,
  owner TEXT NOT NULL,
  storage_class TEXT NOT NULL,
  checksum_algorithm TEXT,
  checksum BLOB,
  checksum_full INTEGER,
  part_count INTEGER NOT NULL,  -- above 0: the bytes are in object_segments
  blob TEXT,
  inline_id INTEGER,
  attributes TEXT NOT NULL,  -- JSON {"h": headers, "m": metadata, "t": tags}
  PRIMARY KEY (bucket_id, key, age)) WITHOUT ROWID;
-- Named with INDEXED BY where they are used: without statistics SQLite would read all versions instead.
CREATE INDEX object_current ON object_versions (bucket_id, key) WHERE latest = 1 AND delete_marker = 0;
CREATE INDEX object_old_null ON object_versions (bucket_id, key) WHERE latest = 0 AND version_id = 'null';
CREATE INDEX object_versions_blob ON object_versions (blob) WHERE blob IS NOT NULL;

-- Small bytes, apart from the rows that listings read.
CREATE TABLE object_bytes (id INTEGER PRIMARY KEY, content BLOB NOT NULL);

-- The parts of an object that was made of parts: its bytes, one after the other.
CREATE TABLE object_segments (
  sequencer INTEGER NOT NULL,  -- of the version
  number INTEGER NOT NULL,     -- of the part
  bytes INTEGER NOT NULL,
  blob TEXT,
  inline_id INTEGER,
  md5 BLOB NOT NULL,
  checksum_algorithm TEXT,
  checksum BLOB,
  modified_us INTEGER NOT NULL,
  PRIMARY KEY (sequencer, number)) WITHOUT ROWID;
CREATE INDEX object_segments_blob ON object_segments (blob) WHERE blob IS NOT NULL;

-- Files that no row names any more; forgotten once they are unlinked.
CREATE TABLE object_garbage (blob TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE object_uploads (
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  number INTEGER NOT NULL,  -- from the counter 'sequencer'; the id tells it (number_of_id)
  id TEXT NOT NULL,
  owner TEXT NOT NULL,
  started_us INTEGER NOT NULL,
  storage_class TEXT NOT NULL,
  checksum_algorithm TEXT,
  full_object INTEGER NOT NULL,
  attributes TEXT NOT NULL,
  PRIMARY KEY (bucket_id, key, number)) WITHOUT ROWID;
CREATE TABLE object_upload_parts (
  upload INTEGER NOT NULL,  -- object_uploads.number
  number INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  blob TEXT,
  inline_id INTEGER,
  md5 BLOB NOT NULL,
  checksum_algorithm TEXT,
  checksum BLOB,
  modified_us INTEGER NOT NULL,
  PRIMARY KEY (upload, number)) WITHOUT ROWID;
CREATE INDEX object_upload_parts_blob ON object_upload_parts (blob) WHERE blob IS NOT NULL;

-- Uploads that were completed, so that a repeated completion gives the same answer; kept for some days.
CREATE TABLE object_completed (
  upload INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  completed_us INTEGER NOT NULL,
  version_id TEXT NOT NULL,
  sequencer INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  modified_us INTEGER NOT NULL,
  owner TEXT NOT NULL,
  storage_class TEXT NOT NULL,
  part_count INTEGER NOT NULL,
  checksum_algorithm TEXT,
  checksum BLOB,
  checksum_full INTEGER);
CREATE INDEX object_completed_time ON object_completed (completed_us);

CREATE TABLE object_outbox (
  number INTEGER PRIMARY KEY,
  change INTEGER NOT NULL,  -- ObjectChange
  at_us INTEGER NOT NULL,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  version_id TEXT NOT NULL,
  sequencer TEXT NOT NULL,
  reason TEXT NOT NULL,
  delete_marker INTEGER NOT NULL,
  requester TEXT NOT NULL,
  source_ip TEXT NOT NULL,
  request_id TEXT NOT NULL);
)sql"},
};

}  // namespace

std::span<const meta::Migration> object_migrations() {
  return kMigrations;
}

}  // namespace tarn::store
