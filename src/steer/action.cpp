#include "steer/action.hpp"

namespace etalon {

cbor::Value Action::to_cbor() const {
  cbor::Map with;
  for (const auto& [name, value] : parameters) {
    if (const double* number = std::get_if<double>(&value))
      with.emplace_back(name, *number);
    else
      with.emplace_back(name, std::get<std::string>(value));
  }
  cbor::List because;
  for (const Hash& hash : evidence) {
    const ByteSpan bytes = std::as_bytes(std::span(hash.bytes));
    because.emplace_back(Bytes(bytes.begin(), bytes.end()));
  }
  return cbor::Map{{"action", action},
                   {"parameters", std::move(with)},
                   {"reason", reason},
                   {"evidence", std::move(because)}};
}

Hash Action::id() const { return sha256(cbor::encode(to_cbor())); }

}  // namespace etalon
