# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Coded frames of a length that is given to them."""

import numpy as np
import pytest
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.phy.coding import BlockCode


@pytest.mark.parametrize("rate", ["1/2", "5/6"])
def test_a_frame_that_is_longer_than_its_bits_need_is_filled_up(rate):
    code = BlockCode("16qam", rate)
    bits = np.random.default_rng(1).integers(0, 2, 150).astype(np.uint8)
    for symbols in (code.symbols(150), code.symbols(150) + 1, 400, 2000):
        sent = code.encode(bits, symbols)
        assert sent.shape == (symbols,)
        found, good = code.decode(sent, np.full(symbols, 0.01, np.float32))
        assert found.shape == code.payload(symbols) and good.all()
        np.testing.assert_array_equal(found.ravel()[:150], bits)
        assert not found.ravel()[150:].any()
    with pytest.raises(SemcomError, match="payload bits.*150.* expected"):
        code.encode(bits, code.symbols(100))
