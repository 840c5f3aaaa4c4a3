#include "jobs/batch_files.hpp"

#include <fcntl.h>

#include "base/posix.hpp"
#include "jobs/fields.hpp"

namespace etalon::jobs {

cbor::Value to_cbor(const BatchRecord& record) {
  cbor::Value map;
  map.set("scheduler", raw(record.scheduler));
  map.set("id", raw(record.id));
  map.set("step", record.step);
  return map;
}

Result<void> from_cbor(const cbor::Value& map, BatchRecord& record) {
  ETALON_ASSIGN(record.scheduler, get_raw(map, "scheduler"));
  ETALON_ASSIGN(record.id, get_raw(map, "id"));
  ETALON_ASSIGN(record.step, get_bool(map, "step"));
  return {};
}

cbor::Value to_cbor(const BatchClaim& record) {
  cbor::Value map;
  map.set("holder", raw(record.holder));
  map.set("moved_to", record.moved_to);
  return map;
}

Result<void> from_cbor(const cbor::Value& map, BatchClaim& record) {
  ETALON_ASSIGN(record.holder, get_raw(map, "holder"));
  ETALON_ASSIGN(record.moved_to, get_uint(map, "moved_to"));
  return {};
}

Result<BatchClaim> claim_batch_job(const std::string& directory, const BatchClaim& claim) {
  const std::string path = directory + "/claim";
  ETALON_ASSIGN(const bool first, write_record(path, to_cbor(claim), Durable::yes, Existing::keep));
  if (first) return claim;
  // Also when a network file system lost the answer to our own, successful, attempt.
  return load<BatchClaim>(path);
}

Result<void> write_script(const std::string& path, const std::string& text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
  if (!fd.valid()) return system_error(path, "create");
  return write_all(fd.get(), path, bytes_of(text));
}

std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'')
      word += "'\\''";
    else
      word += c;
  }
  return word + "'";
}

std::string batch_script(const std::string& executable, const std::string& directory) {
  return "#!/bin/sh\nexec " + shell_word(executable) + " batch-job " + shell_word(directory) +
         " >>" + shell_word(directory + "/log") + " 2>&1\n";
}

}  // namespace etalon::jobs
