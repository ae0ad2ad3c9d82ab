/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_PHY_CHECK_FIELD_H
#define INCLUDED_SEMCOM_PHY_CHECK_FIELD_H

#include <stdexcept>
#include <string>

namespace gr {
namespace semcom {
namespace phy {

//! \throws std::invalid_argument in one line unless \p good.
inline void
check_field(bool good, const char* field, double found, const std::string& expected)
{
    if (!good)
        throw std::invalid_argument(std::string(field) + ": " + std::to_string(found) +
                                    " found, " + expected + " expected");
}

} // namespace phy
} // namespace semcom
} // namespace gr

#endif
