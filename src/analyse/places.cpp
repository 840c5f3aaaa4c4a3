#include "analyse/places.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/hdf5.hpp"

namespace etalon {
namespace {

constexpr double most_frames = 0x1p53;

std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view taken = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return taken;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  do {
    std::string_view field = take_until(line, ',');
    while (!field.empty() && (field.front() == ' ' || field.front() == '#')) field.remove_prefix(1);
    while (!field.empty() && (field.back() == ' ' || field.back() == '\r')) field.remove_suffix(1);
    fields.push_back(field);
  } while (!line.empty());
  return fields;
}

std::optional<double> number_of(const std::vector<std::string_view>& fields, std::size_t at) {
  if (at >= fields.size()) return std::nullopt;
  double value = 0;
  const char* const last = fields[at].data() + fields[at].size();
  const auto [end, status] = std::from_chars(fields[at].data(), last, value);
  if (status != std::errc{} || end != last || !std::isfinite(value)) return std::nullopt;
  return value;
}

// Where the columns frame, x and y are.
struct Header {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t frame = none, x = none, y = none;

  explicit Header(const std::vector<std::string_view>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (fields[i] == "frame") frame = i;
      if (fields[i] == "x") x = i;
      if (fields[i] == "y") y = i;
    }
  }
};

}  // namespace

Result<PlaceTable> PlaceTable::parse(std::string_view csv) {
  PlaceTable table;
  std::optional<Header> header;
  for (std::size_t number = 1; !csv.empty(); ++number) {
    const std::string_view line = take_until(csv, '\n');
    if (line.empty() || line == "\r") continue;
    const auto fields = fields_of(line);
    const auto malformed = [&](const char* reason) {
      return Error{Errc::malformed, "line " + std::to_string(number) + ": " + reason};
    };
    if (!header) {
      header.emplace(fields);
      if (header->x == Header::none || header->y == Header::none)
        return malformed("the header must name the columns x and y");
      table.by_frame_ = header->frame != Header::none;
      continue;
    }
    const auto x = number_of(fields, header->x), y = number_of(fields, header->y);
    const auto frame = table.by_frame_ ? number_of(fields, header->frame) : 0.0;
    if (!x || !y || !frame) return malformed("not the numbers of a place");
    if (!(*frame >= 0 && *frame < most_frames && std::floor(*frame) == *frame))
      return malformed("not the number of a frame");
    table.frames_[static_cast<std::uint64_t>(*frame)].push_back({*x, *y});
  }
  if (!header) return Error{Errc::malformed, "holds no places: the header must name x and y"};
  return table;
}

Result<PlaceTable> PlaceTable::read(const std::string& path) {
  if (file_kind(path) != FileKind::hdf5) {
    ETALON_ASSIGN(const Bytes bytes, read_file(path, std::size_t{1} << 32));
    auto table = parse(text_of(bytes));
    if (!table.ok()) return std::move(table).error().in(path);
    return table;
  }
  const std::string group = "/entry/truth/reflections/";
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  if (!file.exists(group + "first"))
    return Error{Errc::malformed, path + ": holds no " + group +
                                      "{first,x,y}, which a simulated series has; or give a CSV "
                                      "file with the columns frame, x and y"};
  const auto column = [&](const char* name, DType dtype) -> Result<Array> {
    ETALON_ASSIGN(const h5::Dataset data, file.dataset(group + name));
    if (data.dtype() != dtype || data.shape().rank() != 1)
      return Error{Errc::malformed,
                   data.place() + ": is not a list of " + std::string(name_of(dtype))};
    ETALON_TRY(data.check_size(data.shape().count() * size_of(dtype)));
    return data.read_all();
  };
  ETALON_ASSIGN(const Array first, column("first", DType::u64));
  ETALON_ASSIGN(const Array x, column("x", DType::f32));
  ETALON_ASSIGN(const Array y, column("y", DType::f32));
  const auto rows = first.as<std::uint64_t>();
  PlaceTable table;
  table.by_frame_ = true;
  for (std::size_t i = 0; i + 1 < rows.size(); ++i) {
    if (rows[i] > rows[i + 1] || rows[i + 1] > x.count() || x.count() != y.count())
      return Error{Errc::malformed, path + ": " + group + "first: row " + std::to_string(i) +
                                        " does not fit the lists x and y"};
    for (std::uint64_t k = rows[i]; k < rows[i + 1]; ++k)
      table.frames_[i].push_back(
          {static_cast<double>(x.as<float>()[k]), static_cast<double>(y.as<float>()[k])});
  }
  return table;
}

std::uint64_t PlaceTable::places() const {
  std::uint64_t all = 0;
  for (const auto& [frame, places] : frames_) all += places.size();
  return all;
}

std::span<const Place> PlaceTable::of_frame(std::uint64_t frame) const {
  const auto found = frames_.find(by_frame_ ? frame : 0);
  return found == frames_.end() ? std::span<const Place>{} : std::span(found->second);
}

}  // namespace etalon
