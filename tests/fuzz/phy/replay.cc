/* SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright 2026 gr-semcom contributors */
#include "bytes.h"
#include <filesystem>
#include <fstream>
#include <iterator>

// Gives a target the inputs of a folder, without an engine: what it once found.

int main(int, char** words)
{
    size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator(words[1])) {
        std::ifstream in(file.path(), std::ios::binary);
        const std::vector<char> input{ std::istreambuf_iterator<char>(in), {} };
        std::fprintf(stderr, "%s\n", file.path().c_str());
        LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()),
                               input.size());
        count++;
    }
    require(count > 0, "no inputs found: one or more in the folder expected");
    return 0;
}
