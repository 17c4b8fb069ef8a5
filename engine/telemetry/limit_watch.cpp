#include "engine/telemetry/limit_watch.hpp"

#include <algorithm>
#include <cassert>

namespace reveille {
namespace {

std::string name_of(const limit& row) {
  std::string out(row.family);
  if (!row.label.empty()) out.append("{").append(row.label).append("=\"").append(row.value).append("\"}");
  return out;
}

std::string times_in(double times, nanoseconds lasted) {
  const auto whole = static_cast<std::uint64_t>(times);
  if (whole <= 1) return "once";
  const auto in = std::chrono::ceil<seconds>(lasted) + seconds(1);  // the look that saw the first saw a second of them
  return std::to_string(whole) + " times in " + std::to_string(in.count()) + " s";
}

}  // namespace

limit_reading::limit_reading(std::span<const limit> table) : table_(table), counts_(table.size(), 0) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    rows& of = families_.try_emplace(table[i].family, rows{i, 0}).first->second;
    assert(of.first + of.count == i);  // rows of one family stand together
    ++of.count;
  }
}

void limit_reading::counter(std::string_view name, std::string_view, metric_labels labels, double value) {
  const auto found = families_.find(name);
  if (found == families_.end()) return;
  for (std::size_t i = found->second.first; i < found->second.first + found->second.count; ++i) {
    const limit& row = table_[i];
    const bool meant = row.label.empty() || std::any_of(labels.begin(), labels.end(), [&](const metric_label& l) {
                         return l.name == row.label && l.value == row.value;
                       });
    if (meant) counts_[i] += value;
  }
}

std::vector<limit_line> limit_watch::look(std::span<const double> counts, steady_time now) {
  assert(counts.size() == states_.size());
  std::vector<limit_line> out;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    const std::size_t row = (first_ + i) % states_.size();
    judge(row, counts[row], now, out);
  }
  if (out.size() == lines_a_look) first_ = (first_ + states_.size() / 2 + 1) % states_.size();
  return out;
}

void limit_watch::judge(std::size_t row, double count, steady_time now, std::vector<limit_line>& out) {
  state& s = states_[row];
  const limit& what = table_[row];
  const bool room = out.size() < lines_a_look;
  if (count > s.seen && s.hit) {
    s.last = now;
  } else if (count > s.seen) {
    if (!room) return;  // it is news still at the next look
    const bool again = s.was_left && now - s.last < 4 * s.quiet;
    s.quiet = again ? std::min<nanoseconds>(2 * s.quiet, longest_quiet) : first_quiet;
    s.hit = true;
    s.before = s.seen;
    s.since = s.last = now;
    out.push_back({limit_line::weight::warning,
                   "bound hit: " + std::string(what.meaning) + "; " + std::string(what.advice) + " [" + name_of(what) + "]"});
  } else if (s.hit && now - s.last >= s.quiet) {
    if (!room) return;
    s.hit = false;
    s.was_left = true;
    out.push_back({limit_line::weight::info, "bound left: " + std::string(what.meaning) + "; it was hit " +
                                                 times_in(count - s.before, s.last - s.since) + " [" + name_of(what) + "]"});
  }
  s.seen = count;  // less than before when a part that counted is gone: no news
}

}  // namespace reveille
