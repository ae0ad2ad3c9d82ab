/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "frame_sync_cc_impl.h"
#include "framed_block.h"
#include <gnuradio/block_detail.h>
#include <gnuradio/buffer_reader.h>
#include <gnuradio/io_signature.h>
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gr {
namespace semcom {
namespace {

constexpr size_t most_reports = 10000;

//! Of a sample, by which a time stamp may differ from the count and be no overflow.
constexpr double stamp_tolerance = 0.5;

double to_db(double ratio) { return 10.0 * std::log10(ratio); }

pmt::pmt_t to_pmt(const sync_counts& counts)
{
    auto told = pmt::make_dict();
    const auto put = [&told](const char* key, uint64_t count) {
        told = pmt::dict_add(told, pmt::mp(key), pmt::from_uint64(count));
    };
    put("frames", counts.frames);
    put("lost", counts.lost);
    put("missing", counts.missing);
    put("retried", counts.retried);
    put("duplicated", counts.duplicated);
    put("restarts", counts.restarts);
    put("foreign", counts.foreign);
    put("too_long", counts.too_long);
    put("other_version", counts.other_version);
    put("passed", counts.passed);
    put("version", counts.version);
    put("preambles", counts.preambles);
    put("false_alarms", counts.false_alarms);
    put("overflows", counts.overflows);
    return told;
}

} // namespace

frame_sync_cc::sptr
frame_sync_cc::make(int num_rx,
                    const std::vector<std::vector<gr_complex>>& pilots,
                    double sample_rate,
                    int sps,
                    int spacing,
                    const std::string& method,
                    int first_code,
                    int system,
                    const std::vector<unsigned int>& units,
                    unsigned int max_payload)
{
    if (!(sample_rate > 0.0) || !std::isfinite(sample_rate))
        throw std::invalid_argument("sample_rate: " + std::to_string(sample_rate) +
                                    " found, more than 0 Hz expected");
    if (spacing < 0)
        throw std::invalid_argument("spacing: " + std::to_string(spacing) +
                                    " found, 0 or more expected");
    if (pilots.empty())
        throw std::invalid_argument("pilots: none found, a row for each user expected");
    phy::burst_receiver_settings settings;
    settings.layout.users = static_cast<int>(pilots.size());
    settings.layout.first_code = first_code;
    settings.layout.body = { pilots[0].size(), static_cast<uint64_t>(spacing) };
    settings.pulse.sps = sps;
    settings.num_rx = num_rx;
    settings.rows = pilots;
    settings.units = units;
    settings.max_payload = max_payload;
    settings.method = phy::parse_detector(method);
    settings.check();
    return gnuradio::make_block_sptr<frame_sync_cc_impl>(settings, sample_rate, system);
}

frame_sync_cc_impl::frame_sync_cc_impl(const phy::burst_receiver_settings& settings,
                                       double sample_rate,
                                       int system)
    : gr::block(
          "frame_sync_cc",
          gr::io_signature::make(settings.num_rx, settings.num_rx, sizeof(gr_complex)),
          gr::io_signature::make(
              settings.layout.users, settings.layout.users, sizeof(gr_complex))),
      d_settings(settings),
      d_sample_rate(sample_rate),
      d_system(system),
      d_frame_key(pmt::mp("semcom_frame")),
      d_fragment_key(pmt::mp("semcom_fragment")),
      d_csi_key(pmt::mp("csi")),
      d_time_key(pmt::mp("rx_time")),
      d_port(pmt::mp("bursts"))
{
    set_tag_propagation_policy(TPP_DONT);
    message_port_register_out(d_port);
    start();
}

bool frame_sync_cc_impl::start()
{
    gr::thread::scoped_lock lock(d_mutex);
    d_receiver = std::make_unique<phy::burst_receiver>(d_settings);
    d_counter = {};
    d_stamps = { stamp{} };
    d_reports.clear();
    d_outbox.clear();
    d_written.assign(d_settings.layout.users, 0);
    d_foreign = d_overflows = d_passed = 0;
    d_received_until = 0.0;
    d_kept = 0;
    d_finished = false;
    d_told_version = 0;
    return block::start();
}

void frame_sync_cc_impl::set_method(const std::string& method)
{
    auto wanted = d_settings;
    wanted.method = phy::parse_detector(method);
    wanted.check();
    gr::thread::scoped_lock lock(d_mutex);
    d_settings.method = wanted.method;
    d_receiver->set_method(wanted.method);
}

std::vector<burst_report> frame_sync_cc_impl::take_reports()
{
    gr::thread::scoped_lock lock(d_mutex);
    const std::vector<burst_report> taken(d_reports.begin(), d_reports.end());
    d_reports.clear();
    return taken;
}

sync_counts frame_sync_cc_impl::counts() const
{
    gr::thread::scoped_lock lock(d_mutex);
    return counted();
}

sync_counts frame_sync_cc_impl::counted() const
{
    return { d_counter.num_frames(),
             d_counter.num_lost(),
             d_counter.num_missing(),
             d_counter.num_retried(),
             d_counter.num_duplicated(),
             d_counter.num_restarts(),
             d_foreign,
             d_receiver->num_too_long(),
             d_receiver->num_other_version(),
             static_cast<uint64_t>(d_receiver->other_version()),
             d_receiver->num_detected(),
             d_receiver->num_unread(),
             d_overflows,
             d_passed };
}

double frame_sync_cc_impl::received_until() const
{
    gr::thread::scoped_lock lock(d_mutex);
    return d_received_until;
}

bool frame_sync_cc_impl::input_done()
{
    for (int m = 0; m < d_settings.num_rx; m++)
        if (detail()->input(m)->done())
            return true;
    return false;
}

//! True if no more samples will come after the \p available ones.
bool frame_sync_cc_impl::is_last(const gr_vector_int& ninput_items, int available)
{
    for (int m = 0; m < d_settings.num_rx; m++)
        if (detail()->input(m)->done() && ninput_items[m] == available &&
            detail()->input(m)->items_available() == available)
            return true;
    return false;
}

// The last item is consumed only when all is over: the scheduler ends a block whose input
// has run out, whatever it still has to write.
void frame_sync_cc_impl::forecast(int, gr_vector_int& ninput_items_required)
{
    const int required = !d_outbox.empty() ? 0 : input_done() ? d_kept : d_kept + 1;
    std::fill(ninput_items_required.begin(), ninput_items_required.end(), required);
}

int frame_sync_cc_impl::guarded_work(int noutput_items,
                                     gr_vector_int& ninput_items,
                                     gr_vector_const_void_star& input_items,
                                     gr_vector_void_star& output_items)
{
    gr::thread::scoped_lock lock(d_mutex);
    const int available = *std::min_element(ninput_items.begin(), ninput_items.end());
    if (d_outbox.empty()) {
        const bool last = is_last(ninput_items, available);
        read(available, input_items);
        if (last && !d_finished) {
            d_receiver->finish();
            d_finished = true;
        }
        take_bursts();
    }
    const bool wrote = write(noutput_items, output_items);
    return !wrote && d_finished && d_outbox.empty() ? WORK_DONE : WORK_CALLED_PRODUCE;
}

void frame_sync_cc_impl::read(int available, gr_vector_const_void_star& in)
{
    if (available <= d_kept)
        return;
    read_stamps(d_kept, available);
    std::vector<const phy::cfloat*> streams;
    for (const void* stream : in)
        streams.push_back(static_cast<const phy::cfloat*>(stream) + d_kept);
    d_receiver->push(streams.data(), available - d_kept);
    consume_each(available - 1);
    d_kept = 1;
}

void frame_sync_cc_impl::read_stamps(int first, int available)
{
    std::vector<gr::tag_t> tags;
    get_tags_in_window(tags, 0, first, available, d_time_key);
    for (const auto& tag : tags) {
        if (!pmt::is_tuple(tag.value) || pmt::length(tag.value) != 2 ||
            !pmt::is_uint64(pmt::tuple_ref(tag.value, 0)) ||
            !pmt::is_real(pmt::tuple_ref(tag.value, 1)))
            continue;
        const stamp now{ tag.offset,
                         pmt::to_uint64(pmt::tuple_ref(tag.value, 0)),
                         pmt::to_double(pmt::tuple_ref(tag.value, 1)) };
        const stamp counted = time_of(static_cast<double>(tag.offset));
        const double jump =
            static_cast<double>(static_cast<int64_t>(now.seconds - counted.seconds)) +
            now.fraction - counted.fraction;
        if (std::fabs(jump) * d_sample_rate <= stamp_tolerance)
            continue;
        d_overflows += tag.offset > 0;
        d_stamps.push_back(now);
    }
}

frame_sync_cc_impl::stamp frame_sync_cc_impl::time_of(double sample) const
{
    auto after = d_stamps.size() - 1;
    while (after > 0 && static_cast<double>(d_stamps[after].sample) > sample)
        after--;
    const auto& from = d_stamps[after];
    const double later =
        from.fraction + (sample - static_cast<double>(from.sample)) / d_sample_rate;
    const double whole = std::floor(later);
    const auto seconds = static_cast<int64_t>(from.seconds) + static_cast<int64_t>(whole);
    // There is no time before 0, where a stream's first search may look.
    return seconds < 0 ? stamp{}
                       : stamp{ 0, static_cast<uint64_t>(seconds), later - whole };
}

bool frame_sync_cc_impl::is_ours(const phy::received_burst& burst) const
{
    for (size_t k = 0; k < burst.users.size(); k++)
        if (burst.users[k].header.length % d_settings.unit(k) != 0)
            return false;
    return d_system < 0 || burst.header.system == d_system;
}

//! Counts and reports what was received, and puts into the outbox what goes on.
void frame_sync_cc_impl::take_bursts()
{
    auto& bursts = d_receiver->bursts();
    for (; !bursts.empty(); bursts.pop_front()) {
        auto& burst = bursts.front();
        auto told = report(burst);
        const bool ours = is_ours(burst);
        d_foreign += !ours;
        told.passed = ours && d_counter.accept(burst.header) != phy::arrival::repeat;
        publish(told);
        d_reports.push_back(told);
        if (d_reports.size() > most_reports)
            d_reports.pop_front();
        d_passed += told.passed;
        if (told.passed)
            d_outbox.push_back(std::move(burst));
    }
    tell_version();
    const double until = d_receiver->received_until();
    const auto now = time_of(until);
    d_received_until = d_finished ? phy::infinity
                                  : static_cast<double>(now.seconds) + now.fraction;
    while (d_stamps.size() > 1 && static_cast<double>(d_stamps[1].sample) < until)
        d_stamps.pop_front();
}

//! One line when bursts of another version begin to be heard.
void frame_sync_cc_impl::tell_version()
{
    const int version = d_receiver->other_version();
    if (version == d_told_version)
        return;
    d_told_version = version;
    d_logger->warn("heard a burst whose header has version {:d}, version {:d} expected; "
                   "run the same release of gr-semcom at both ends",
                   version,
                   phy::header_version);
}

burst_report frame_sync_cc_impl::report(const phy::received_burst& burst) const
{
    const auto time = time_of(burst.start);
    burst_report told;
    told.frame = burst.header.frame;
    told.fragment = burst.header.fragment;
    told.fragments = burst.header.fragments;
    told.attempt = burst.header.attempt;
    told.length = static_cast<int>(burst.header.length);
    told.terminal = burst.header.terminal;
    told.system = burst.header.system;
    told.seconds = time.seconds;
    told.fraction = time.fraction;
    const int sps = d_settings.pulse.sps;
    for (size_t k = 0; k < burst.users.size(); k++) {
        const auto& user = burst.users[k];
        user_report one;
        one.detected = user.detected;
        one.read = user.read;
        one.symbols = static_cast<int>(user.header.length);
        if (user.detected) {
            const double first =
                user.sync.start.value -
                static_cast<double>(d_settings.layout.preamble_position(k) * sps);
            one.delay = (first - burst.start) / d_sample_rate;
            one.cfo = user.cfo * d_sample_rate / sps;
            one.clock = 1e6 * user.clock.offset.value;
            one.snr_db = to_db(user.sync.snr);
        }
        told.users.push_back(one);
    }
    return told;
}

void frame_sync_cc_impl::publish(const burst_report& report)
{
    auto told = pmt::make_dict();
    const auto put = [&told](const char* key, const pmt::pmt_t& value) {
        told = pmt::dict_add(told, pmt::mp(key), value);
    };
    std::vector<double> delay, cfo, clock, snr_db;
    std::vector<uint8_t> detected, read;
    std::vector<int32_t> symbols;
    for (const auto& user : report.users) {
        detected.push_back(user.detected);
        read.push_back(user.read);
        symbols.push_back(user.symbols);
        delay.push_back(user.delay);
        cfo.push_back(user.cfo);
        clock.push_back(user.clock);
        snr_db.push_back(user.snr_db);
    }
    const size_t users = report.users.size();
    put("frame", pmt::from_uint64(report.frame));
    put("fragment", pmt::from_long(report.fragment));
    put("fragments", pmt::from_long(report.fragments));
    put("attempt", pmt::from_long(report.attempt));
    put("length", pmt::from_long(report.length));
    put("terminal", pmt::from_long(report.terminal));
    put("system", pmt::from_long(report.system));
    put("passed", pmt::from_bool(report.passed));
    put("seconds", pmt::from_uint64(report.seconds));
    put("fraction", pmt::from_double(report.fraction));
    put("detected", pmt::init_u8vector(users, detected));
    put("read", pmt::init_u8vector(users, read));
    put("symbols", pmt::init_s32vector(users, symbols));
    put("delay", pmt::init_f64vector(users, delay));
    put("cfo", pmt::init_f64vector(users, cfo));
    put("clock", pmt::init_f64vector(users, clock));
    put("snr_db", pmt::init_f64vector(users, snr_db));
    put("counts", to_pmt(counted()));
    message_port_pub(d_port, told);
}

void frame_sync_cc_impl::open_frame(const phy::received_burst& burst, int port, int item)
{
    const auto& header = burst.users[port].header;
    const auto at = nitems_written(port) + item;
    add_item_tag(port, at, d_frame_key, make_frame_tag(header.frame, header.length));
    add_item_tag(port,
                 at,
                 d_fragment_key,
                 pmt::make_tuple(pmt::from_uint64(header.fragment),
                                 pmt::from_uint64(header.fragments),
                                 pmt::from_uint64(header.attempt)));
    if (port == 0)
        add_item_tag(0, at, d_csi_key, to_pmt(phy::pack(burst.channel)));
}

//! Writes bursts, each on all ports before the next; returns whether it wrote anything.
bool frame_sync_cc_impl::write(int noutput_items, gr_vector_void_star& out)
{
    const int ports = d_settings.layout.users;
    std::vector<int> produced(ports, 0);
    bool whole = true;
    while (!d_outbox.empty() && whole) {
        const auto& burst = d_outbox.front();
        for (int k = 0; k < ports; k++) {
            const auto& payload = burst.payload[k];
            if (d_written[k] == 0 && produced[k] < noutput_items)
                open_frame(burst, k, produced[k]);
            const size_t count = std::min<size_t>(payload.size() - d_written[k],
                                                  noutput_items - produced[k]);
            std::copy_n(payload.begin() + static_cast<long>(d_written[k]),
                        count,
                        static_cast<phy::cfloat*>(out[k]) + produced[k]);
            produced[k] += static_cast<int>(count);
            d_written[k] += count;
            whole = whole && d_written[k] == payload.size();
        }
        if (whole) {
            d_outbox.pop_front();
            d_written.assign(ports, 0);
        }
    }
    for (int k = 0; k < ports; k++)
        produce(k, produced[k]);
    return std::any_of(
        produced.begin(), produced.end(), [](int count) { return count > 0; });
}

} // namespace semcom
} // namespace gr
