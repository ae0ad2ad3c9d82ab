# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Outputs: whole or not there, through what is no regular file, and never in the place of what is
not ours."""

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from gnuradio.semcom.base import files
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_apart, check_writable, is_stream, replacing


def write(path, content=b"new"):
    check_writable(path)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(content)


def refusal(path) -> str:
    with pytest.raises(SemcomError) as caught:
        write(path)
    (line,) = str(caught.value).splitlines()
    return line


def test_a_file_is_replaced_and_keeps_its_mode(tmp_path):
    path = tmp_path / "out.json"
    path.write_bytes(b"something older and longer")
    path.chmod(0o640)
    write(path)
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["out.json"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_new_file_has_the_mode_that_its_user_gives_new_files(tmp_path, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "out.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == 0o666 & ~mask


def test_links_are_followed(tmp_path):
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "out.json"
    (tmp_path / "link").symlink_to("hop")
    (tmp_path / "hop").symlink_to("there/out.json")
    for content in (b"one", b"two"):  # the first time it leads nowhere yet
        write(tmp_path / "link", content)
        assert target.read_bytes() == content and (tmp_path / "link").is_symlink()
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "a: cannot be written (Too many levels of symbolic links)" in refusal(tmp_path / "a")


def test_a_pipe_is_written_through(tmp_path):
    path, heard = tmp_path / "pipe", []
    os.mkfifo(path)
    assert is_stream(path) and not is_stream(tmp_path / "new")
    reader = threading.Thread(target=lambda: heard.append(path.read_bytes()))
    reader.start()
    content = os.urandom(300_000)  # more than a pipe holds
    write(path, content)
    reader.join(10)
    assert heard == [content] and stat.S_ISFIFO(path.stat().st_mode)


def test_a_pipe_that_nobody_reads_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "READER_S", 0.2)
    os.mkfifo(tmp_path / "pipe")
    assert "pipe: could not be written (nobody read it for 0.2 s)" in refusal(tmp_path / "pipe")


def test_devices_stay_devices(tmp_path):
    write("/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    (tmp_path / "link").symlink_to("/dev/null")
    write(tmp_path / "link")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and not os.path.exists("/dev/null.json")
    assert "/dev/full: could not be written (No space left on device)" in refusal("/dev/full")


SAYS = """
import sys
from gnuradio.semcom.base.files import replacing
print("before")
with replacing("/dev/stdout") as temporary, open(temporary, "w") as file:
    file.write("written ")
print("after")
"""


@pytest.mark.parametrize("to_a_file", [False, True])
def test_standard_output_is_where_it_was(tmp_path, to_a_file):
    with open(tmp_path / "out", "w+b") as out:
        where = out if to_a_file else subprocess.PIPE
        done = subprocess.run([sys.executable, "-c", SAYS], stdout=where, check=True)
        out.seek(0)
        assert (out.read() if to_a_file else done.stdout) == b"before\nwritten after\n"


def test_what_cannot_be_written_is_told_before_the_work(tmp_path):
    assert f"{tmp_path}: is a folder" in refusal(tmp_path)
    assert "File name too long" in refusal(tmp_path / (256 * "n"))
    assert "is not a file name (" in refusal("a\0b")  # then Python's own words, which change
    assert "cannot be written (Not a directory)" in refusal("/dev/null/out.json")
    write(tmp_path / (250 * "n"))
    write(tmp_path / f"n.{240 * 's'}")


AS_NOBODY = """
import os, sys
os.setgid(65534), os.setuid(65534)
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable, replacing
try:
    check_writable(sys.argv[1])
    with replacing(sys.argv[1]) as temporary, open(temporary, "w") as file:
        file.write("new")
except SemcomError as cause:
    print(cause)
"""


def as_nobody(path) -> str:
    if os.geteuid():
        pytest.skip("needs the right to become somebody else")
    words = [sys.executable, "-c", AS_NOBODY, path]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def everybodys():
    """A folder that anybody can write into."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        yield Path(folder)


def test_what_is_not_ours_is_not_replaced(everybodys):
    path = everybodys / "out.json"
    path.write_text("of another user")
    path.chmod(0o644)
    assert "out.json: cannot be written (Permission denied)" in as_nobody(path)
    assert path.read_text() == "of another user"
    path.chmod(0o666)
    everybodys.chmod(0o755)  # nothing can be put beside it: it is written as it lies there
    assert as_nobody(path) == ""
    assert path.read_text() == "new" and path.stat().st_uid == 0


def test_an_output_is_no_input_and_no_other_output(tmp_path):
    film, link = tmp_path / "film.mp4", tmp_path / "link.mp4"
    film.write_bytes(b"film")
    link.symlink_to(film)
    check_apart([tmp_path / "new.mp4", "/dev/null", "/dev/null"], [film, "v4l2:/dev/video0"])
    new = tmp_path / "new.mp4", tmp_path / "." / "new.mp4"
    for written, read in (([film], [str(film)]), ([link], [film]), ([link, film], []), (new, [])):
        with pytest.raises(SemcomError, match="mp4: is also read or written as .*mp4; give"):
            check_apart(written, read)
