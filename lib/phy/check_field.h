/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CHECK_FIELD_H
#define INCLUDED_SEMCOM_PHY_CHECK_FIELD_H

#include <sstream>
#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {

//! \throws std::invalid_argument in one line unless \p good.
inline void
check_field(bool good, const char* field, double found, const std::string& expected)
{
    if (good)
        return;
    std::ostringstream text;
    text << field << ": " << found << " found, " << expected << " expected";
    throw std::invalid_argument(text.str());
}

//! \throws std::invalid_argument in one line unless \p found lies from \p low to \p high.
inline void check_range(const char* field, double found, double low, double high)
{
    if (found >= low && found <= high)
        return;
    std::ostringstream text;
    text << field << ": " << found << " found, " << low << " to " << high << " expected";
    throw std::invalid_argument(text.str());
}

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
