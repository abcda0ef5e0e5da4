#include <algorithm>

#include <boost/beast/zlib/inflate_stream.hpp>

#include "lake/avro_file.h"

namespace tarn::lake {

Result<std::string> inflate_block(std::string_view block, uint64_t bytes_max) {
  namespace zlib = boost::beast::zlib;
  constexpr size_t kStepBytes = 256 * 1024;
  try {
    zlib::inflate_stream stream;
    zlib::z_params state{};
    state.next_in = block.data();
    state.avail_in = block.size();
    std::string out;
    while (true) {
      size_t before = out.size();
      if (before > bytes_max)
        return fail(Code::kTooLarge, "an Avro block is over the limit when decompressed");
      out.resize(before + kStepBytes);
      state.next_out = out.data() + before;
      state.avail_out = kStepBytes;
      boost::system::error_code error;
      stream.write(state, zlib::Flush::sync, error);
      size_t written = kStepBytes - state.avail_out;
      out.resize(before + written);
      if (out.size() > bytes_max)
        return fail(Code::kTooLarge, "an Avro block is over the limit when decompressed");
      if (error == zlib::error::end_of_stream) return out;
      if (error && error != zlib::error::need_buffers)
        return fail(Code::kCorrupt, "an Avro block can't be decompressed: " + error.message());
      if (written == 0) return fail(Code::kCorrupt, "an Avro block can't be decompressed: it ends too early");
    }
  } catch (const std::exception& e) {
    return fail(Code::kCorrupt, std::string("an Avro block can't be decompressed: ") + e.what());
  }
}

}  // namespace tarn::lake
