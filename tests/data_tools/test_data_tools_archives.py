"""Data sets prepared from archives, as they are downloaded."""

import os
import shutil
import tarfile
import zipfile

import pytest
from support.data_layouts import ORIGINALS, write
from support.prepared import assert_made, content, leftovers

from data_tools.prepare import prepare
from workbench.errors import WorkbenchError


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "xztar"])
def test_one_archive(kind, root, tmp_path):
    expected = ORIGINALS["gopro"](tmp_path / "original")
    write(tmp_path / "original/GOPRO_Large/__MACOSX/train/x/blur/1.png", 9)
    archive = shutil.make_archive(str(tmp_path / "GOPRO_Large"), kind, tmp_path / "original")
    prepare("gopro", root, archive)
    assert_made(root, "gopro", expected)


def test_a_folder_of_archives(root, tmp_path):
    expected = ORIGINALS["rain13k"](tmp_path / "original")
    for split in ("train", "test"):
        shutil.make_archive(str(tmp_path / "downloads" / split), "zip", tmp_path / "original", split)
    prepare("rain13k", root, tmp_path / "downloads")
    assert_made(root, "rain13k", expected)


def test_one_part_packed_the_other_not(root, tmp_path):
    expected = ORIGINALS["gopro"](tmp_path / "original")
    shutil.make_archive(str(tmp_path / "original/test"), "zip", tmp_path / "original", "GOPRO_Large/test")
    shutil.rmtree(tmp_path / "original/GOPRO_Large/test")
    prepare("gopro", root, tmp_path / "original")
    assert_made(root, "gopro", expected)


def test_sides_in_different_archives(root, tmp_path):
    expected = ORIGINALS["reside-ots"](tmp_path / "original")
    for name in ("clear", "part1", "part2", "part4"):
        shutil.make_archive(str(tmp_path / "downloads" / name), "zip", tmp_path / "original/OTS", name)
    prepare("reside-ots", root, tmp_path / "downloads")
    assert_made(root, "reside-ots", expected)


def test_an_archive_in_an_archive(root, tmp_path):
    expected = ORIGINALS["sots"](tmp_path / "original")
    (tmp_path / "outer/SOTS").mkdir(parents=True)
    for name in ("indoor", "outdoor"):
        shutil.make_archive(str(tmp_path / "outer/SOTS" / name), "zip", tmp_path / "original/SOTS", name)
    archive = shutil.make_archive(str(tmp_path / "SOTS"), "zip", tmp_path / "outer")
    prepare("sots", root, archive)
    assert_made(root, "sots", expected)


@pytest.mark.parametrize("member", ["../evil.png", "/tmp/evil.png", "C:\\evil.png", "a/..\\..\\evil.png"])
def test_zip_members_outside_are_refused(member, root, tmp_path):
    with zipfile.ZipFile(tmp_path / "Kodak24.zip", "w") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(WorkbenchError, match="outside of the archive"):
        prepare("kodak24", root, tmp_path / "Kodak24.zip")
    assert not list(tmp_path.rglob("evil*")) and leftovers(root) == []


def test_tar_members_outside_are_refused(root, tmp_path):
    write(tmp_path / "x.png", 1)
    with tarfile.open(tmp_path / "Kodak24.tar", "w") as archive:
        archive.add(tmp_path / "x.png", "../../evil.png")
    with pytest.raises(WorkbenchError, match="outside of the archive"):
        prepare("kodak24", root, tmp_path / "Kodak24.tar")
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_a_tar_are_not_followed(root, tmp_path):
    (tmp_path / "secret").write_text("secret")
    write(tmp_path / "x.png", 1)
    with tarfile.open(tmp_path / "k.tar", "w") as archive:
        link = tarfile.TarInfo("testsets/Kodak24/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path / "secret")
        archive.addfile(link)
        archive.add(tmp_path / "x.png", "testsets/Kodak24/kodim01.png")
    prepare("kodak24", root, tmp_path / "k.tar")
    assert list(content(root / "kodak24")) == ["kodim01.png"]


@pytest.mark.parametrize("kind", ["zip", "gztar"])
def test_cut_short(kind, root, tmp_path):
    ORIGINALS["gopro"](tmp_path / "original")
    archive = shutil.make_archive(str(tmp_path / "GOPRO_Large"), kind, tmp_path / "original")
    with open(archive, "r+b") as file:
        file.truncate(os.path.getsize(archive) // 2)
    with pytest.raises(WorkbenchError, match="cut short"):
        prepare("gopro", root, archive)
    assert not (root / "gopro").exists() and leftovers(root) == []


def test_a_flipped_byte(root, tmp_path):
    ORIGINALS["gopro"](tmp_path / "original")
    archive = shutil.make_archive(str(tmp_path / "GOPRO_Large"), "zip", tmp_path / "original")
    data = bytearray((tmp_path / "GOPRO_Large.zip").read_bytes())
    with zipfile.ZipFile(archive) as opened:
        first = next(member for member in opened.infolist() if member.file_size)
    data[first.header_offset + 30 + len(first.filename) + 20] ^= 0xFF
    (tmp_path / "GOPRO_Large.zip").write_bytes(data)
    with pytest.raises(WorkbenchError, match="damaged or cut short"):
        prepare("gopro", root, archive)


def test_encrypted_and_foreign(root, tmp_path):
    archive = tmp_path / "McM.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr("McM/1.tif", b"x")
    data = archive.read_bytes()
    data = data[:6] + b"\x01" + data[7:]
    central = data.index(b"PK\x01\x02")
    archive.write_bytes(data[: central + 8] + b"\x01" + data[central + 9 :])
    with pytest.raises(WorkbenchError, match="encrypted"):
        prepare("mcmaster", root, archive)
    (tmp_path / "wed.rar").write_bytes(b"Rar!")
    with pytest.raises(WorkbenchError, match="another program"):
        prepare("wed", root, tmp_path / "wed.rar")
