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
 * catch exceptions, latch their text here and end their stream, so that the flowgraph
 * ends and its program can read the reason with take_errors(). One list serves all
 * threads of the process; it keeps the first 1000 errors.
 *
 * \param block_alias Alias of the block at fault.
 * \param text        What was found, what was expected, and what to do, in one line.
 */
SEMCOM_API void report_error(const std::string& block_alias, const std::string& text);

/*!
 * \brief Returns the errors since the last call, as "alias: text", the oldest first, and
 *        clears the list.
 * \ingroup semcom
 */
SEMCOM_API std::vector<std::string> take_errors();

} // namespace semcom
} // namespace gr

#endif
