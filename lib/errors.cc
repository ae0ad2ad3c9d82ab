/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include <gnuradio/semcom/errors.h>
#include <mutex>

namespace gr {
namespace semcom {
namespace {

constexpr size_t most_errors = 1000;
std::mutex errors_mutex;
std::vector<std::string> errors;

} // namespace

void report_error(const std::string& block_alias, const std::string& text)
{
    std::lock_guard<std::mutex> lock(errors_mutex);
    if (errors.size() < most_errors)
        errors.push_back(block_alias + ": " + text);
}

std::vector<std::string> take_errors()
{
    std::lock_guard<std::mutex> lock(errors_mutex);
    std::vector<std::string> taken;
    taken.swap(errors);
    return taken;
}

} // namespace semcom
} // namespace gr
