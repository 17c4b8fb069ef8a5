#include "engine/store/log_replay.hpp"

#include <cstring>
#include <string_view>

namespace reveille {

namespace {

constexpr std::size_t header_bytes = 12;  // of a record: 8 octets its first write's number, 4 how many; little-endian

/// Reads the stamp, which is the first thing in a batch, and nothing behind it.
class stamp_reader final : public rocksdb::WriteBatch::Handler {
 public:
  void LogData(const rocksdb::Slice& blob) override {
    std::int64_t ms = 0;
    if (blob.size() != sizeof ms) return;
    std::memcpy(&ms, blob.data(), sizeof ms);
    found = wall_time(milliseconds(ms));
  }
  rocksdb::Status PutCF(std::uint32_t, const rocksdb::Slice&, const rocksdb::Slice&) override { return over(); }
  rocksdb::Status DeleteCF(std::uint32_t, const rocksdb::Slice&) override { return over(); }
  bool Continue() override { return !over_ && !found; }

  std::optional<wall_time> found;

 private:
  rocksdb::Status over() {
    over_ = true;
    return rocksdb::Status::OK();
  }
  bool over_ = false;
};

}  // namespace

void stamp(rocksdb::WriteBatch& batch, wall_time now) {
  const std::int64_t ms = now.time_since_epoch().count();
  batch.PutLogData({reinterpret_cast<const char*>(&ms), sizeof ms});
}

rocksdb::WalFilter::WalProcessingOption log_replay::LogRecordFound(unsigned long long, const std::string&,
                                                                   const rocksdb::WriteBatch& batch,
                                                                   rocksdb::WriteBatch*, bool*) {
  const std::string& octets = batch.Data();
  if (octets.size() < header_bytes) return WalProcessingOption::kContinueProcessing;  // RocksDB will say so
  std::uint64_t first = 0;
  std::uint32_t count = 0;
  std::memcpy(&first, octets.data(), sizeof first);
  std::memcpy(&count, octets.data() + sizeof first, sizeof count);
  stamp_reader reader;
  // Its status is that of a batch left before its end.
  batch.Iterate(&reader).PermitUncheckedError();
  found_.record(first, count, reader.found);
  return WalProcessingOption::kContinueProcessing;
}

}  // namespace reveille
