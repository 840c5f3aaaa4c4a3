#include "plot/plot.hpp"

#include "plot/axis.hpp"
#include "store/file.hpp"

namespace etalon::plot {

double Area::pixel_x(double x) const {
  return left + (right - left) * Range{x_left, x_right, x_log}.share(x);
}

double Area::pixel_y(double y) const {
  return top + (bottom - top) * Range{y_top, y_bottom, y_log}.share(y);
}

Result<void> write_png(const std::string& path, const Picture& picture, bool overwrite) {
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path, overwrite));
  ETALON_TRY(file.write(picture.png));
  return file.commit();
}

}  // namespace etalon::plot
