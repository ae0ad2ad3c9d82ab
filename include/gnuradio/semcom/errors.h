/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#ifndef INCLUDED_SEMCOM_ERRORS_H
#define INCLUDED_SEMCOM_ERRORS_H

#include <gnuradio/semcom/api.h>
#include <string>
#include <vector>

namespace gr {
namespace semcom {

/*!
 * \brief Latches an error of a running block.
 * \ingroup semcom
 *
 * An exception that leaves work() hangs or aborts a flowgraph. The blocks of this module
 * catch what goes wrong, latch it here and end their stream, so that the flowgraph runs
 * out and whoever started it finds the reason in take_errors(). One list serves the whole
 * process and any thread; it keeps the first 1000 errors.
 *
 * \param block_alias Alias of the block at fault.
 * \param text        What was found, what was expected, and what to do, in one line.
 */
SEMCOM_API void report_error(const std::string& block_alias, const std::string& text);

/*!
 * \brief The errors latched since the last call, as "alias: text", oldest first; clears.
 * \ingroup semcom
 */
SEMCOM_API std::vector<std::string> take_errors();

} // namespace semcom
} // namespace gr

#endif
