"""Archives onto disk, without trusting what their members are called."""

from __future__ import annotations

import lzma
import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from data_tools.layouts import is_litter
from workbench.errors import WorkbenchError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
FOREIGN = (".rar", ".7z")
"""Archives that Python cannot open."""


class DamagedArchiveError(WorkbenchError):
    """An archive that was not downloaded whole."""


def is_archive(path: Path) -> bool:
    """Whether a file is an archive that `unpack` opens, by its name."""
    return path.is_file() and path.name.lower().endswith(SUFFIXES)


def archive_stem(path: Path) -> str:
    """The name of an archive without its suffix."""
    suffix = max((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)]


def unpack(archive: Path, folder: Path, progress: bool = True) -> None:
    """Unpack a zip or tar archive; only plain files are taken, inside ``folder``.

    Parameters
    ----------
    archive : Path
    folder : Path
        Made when missing.
    progress : bool
        Show a bar on a terminal.

    Raises
    ------
    WorkbenchError
        The archive is damaged, encrypted, of a kind that Python does not open, has members that point outside of it,
        or the disk is too small.
    """
    if archive.name.lower().endswith(FOREIGN):
        raise WorkbenchError(f"{archive}: unpack this archive with another program, then hand over the folder")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(archive, opened, folder, progress)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                _unpack_tar(archive, opened, folder, progress)
        else:
            raise DamagedArchiveError(f"{archive}: not a zip or tar archive, or cut short; download it again")
    except tarfile.FilterError as error:
        raise WorkbenchError(f"{archive}: refused, a member points outside of the archive ({error})") from error
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError) as error:
        raise DamagedArchiveError(f"{archive}: damaged or cut short ({error}); download it again") from error
    except OSError as error:
        raise WorkbenchError(f"{archive}: cannot be unpacked ({error.strerror or error})") from error


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise when the disk of a folder has fewer bytes free than needed."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WorkbenchError(f"{folder}: {what} needs {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free")


def _unpack_zip(archive: Path, opened: zipfile.ZipFile, folder: Path, progress: bool) -> None:
    members = [member for member in opened.infolist() if not member.is_dir() and not _is_litter(member.filename)]
    for member in members:
        if member.flag_bits & 1:
            raise WorkbenchError(f"{archive}: is encrypted; unpack it with its password, then hand over the folder")
        place = PurePosixPath(member.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in "".join(place.parts[:1]):
            raise WorkbenchError(f"{archive}: refused, {member.filename!r} points outside of the archive")
    check_space(folder, sum(member.file_size for member in members), archive.name)
    for member in tqdm(members, f"unpacking {archive.name}", unit=" files", disable=None if progress else True):
        opened.extract(member, folder)


def _unpack_tar(archive: Path, opened: tarfile.TarFile, folder: Path, progress: bool) -> None:
    # A compressed tar has no table of contents, so the sizes are known only as it is read.
    for member in tqdm(opened, f"unpacking {archive.name}", unit=" files", disable=None if progress else True):
        if member.isreg() and not _is_litter(member.name):
            check_space(folder, member.size, archive.name)
            opened.extract(member, folder, filter="data")


def _is_litter(name: str) -> bool:
    return any(is_litter(part) for part in PurePosixPath(name.replace("\\", "/")).parts if part not in (".", ".."))
