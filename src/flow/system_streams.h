// The lake's own streams: the audit trail (system.audit) and everything that happens, the bus `default`
// (system.events).
//
// They are streams like others: durable at once, in SQL a moment later, delivered to Iceberg tables partitioned by
// day. Their names begin with "system.", which users' streams can't.
// Threads: any.
// Fails: as Streams does.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"
#include "flow/streams.h"

namespace tarn::flow {

inline constexpr std::string_view kAuditStream = "system.audit";
inline constexpr std::string_view kEventStream = "system.events";

bool is_system_stream(std::string_view name);
bool is_system_table(const lake::TableName& table);

// Makes them if they aren't there, or changes them to what this version has.
Status put_system_streams(Streams& streams);

// Appends lines, a record each, durably; waits while the log is busy, until `deadline`. More than one batch takes go
// in several: after an error the first of them may be there.
Status append_lines(Stream& stream, std::span<const std::string> lines, Deadline deadline);

}  // namespace tarn::flow
