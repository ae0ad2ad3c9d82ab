# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
#
# Makes TO a Python package of links to the modules and subpackages in FROM, so that the
# build tree runs the sources themselves: edits need no rebuild.

file(MAKE_DIRECTORY "${TO}")
file(GLOB old "${TO}/*")
foreach(entry ${old})
    if(IS_SYMLINK "${entry}" AND NOT EXISTS "${entry}")
        file(REMOVE "${entry}")
    endif()
endforeach()
file(GLOB entries "${FROM}/*")
foreach(entry ${entries})
    get_filename_component(name "${entry}" NAME)
    if(name MATCHES "\\.py$" OR (IS_DIRECTORY "${entry}" AND NOT name MATCHES "^(bindings|__pycache__)$"))
        file(RELATIVE_PATH way "${TO}" "${entry}") # also right in a copy of the checkout
        file(CREATE_LINK "${way}" "${TO}/${name}" SYMBOLIC)
    endif()
endforeach()
