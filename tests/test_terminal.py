"""What a terminal sees: one line and a status for what goes wrong, and output that may be cut off."""

import errno
import os
import subprocess
import sys
import warnings

import pytest
import typer

from workbench.cli import main
from workbench.errors import WorkbenchError
from workbench.terminal import run_command


def shell(command, folder, **environment):
    """Run a shell command in which ``workbench`` is the command line."""
    command = f'workbench() {{ "{sys.executable}" -m workbench "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, cwd=folder, env=os.environ | environment
    )


def raising(error):
    def command():
        raise error

    return command


def in_torch(message):
    return RuntimeError(f"[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: {message}")


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (WorkbenchError("a: is\nwrong"), 2, "a: is wrong"),
        (typer.BadParameter("no"), 2, "Invalid value: no"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 130, "interrupted"),
        (OSError(errno.ENOSPC, "No space left on device", "a.txt"), 2, "a.txt: No space left on device"),
        (OSError(errno.EFBIG, "File too large"), 2, "a file: File too large"),
        (MemoryError(), 2, "not enough memory; choose smaller pictures, tiles, patches or batches"),
        (in_torch("can't allocate memory: you tried to allocate 9 bytes."), 2, "not enough memory; choose smaller"),
        (ValueError("odd"), 2, "unexpected ValueError: odd; run again with --debug to see where"),
    ],
)
def test_errors_are_one_line_with_their_status(capsys, error, status, line):
    assert run_command(raising(error)) == status
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"workbench: {line}") and err.count("\n") == 1


def test_debug_shows_where_but_not_for_a_wrong_call(capsys):
    for error in (WorkbenchError("a"), ValueError("a"), OSError(errno.ENOSPC, "full")):
        with pytest.raises(type(error)):
            run_command(raising(error), debug=True)
    assert run_command(raising(typer.BadParameter("no")), debug=True) == 2


@pytest.mark.parametrize("group", [[], ["data"], ["export"]])
def test_a_group_without_a_command_prints_its_help(capsys, group):
    from workbench.cli.commands import app

    assert run_command(lambda: app(group, prog_name="workbench", standalone_mode=False)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(" ".join(["Usage: workbench", *group])) and "Commands:" in lines


def test_advice_to_programmers_is_not_shown(capsys):
    before = list(warnings.filters)
    assert run_command(lambda: warnings.warn("use another function", stacklevel=1)) == 0
    assert capsys.readouterr().err == "" and warnings.filters == before


INTERRUPTED_BY_AN_IMPORT = """
import os, runpy, signal, sys

def hook(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), signal.SIGINT)

sys.addaudithook(hook)
sys.argv = ["workbench", *{arguments!r}]
runpy.run_module("workbench", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("workbench.terminal", ["recipes"]),
        ("workbench.cli.experiments", ["recipes"]),
        ("workbench.recipes.schema", ["recipes"]),
        ("torch.autograd", ["evaluate", "nlm", "--data", "nowhere"]),
    ],
)
def test_ctrl_c_during_imports_is_one_line(tmp_path, module, arguments):
    code = INTERRUPTED_BY_AN_IMPORT.format(module=module, arguments=arguments)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"workbench: interrupted\n")


def test_a_reader_that_leaves_ends_nothing(tmp_path):
    done = shell("{ workbench recipes; echo $? >status; } | head -n 0", tmp_path)
    assert done.stderr == b"" and (tmp_path / "status").read_text() == "0\n"


def test_a_closed_or_full_output_ends_nothing(tmp_path):
    done = shell("workbench recipes >&-", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    done = shell("workbench recipes >/dev/full", tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr.startswith(b"workbench: standard output cannot be written (No space left")
        and done.stderr.count(b"\n") == 1
    )
    done = shell("workbench tables --runs nowhere 2>/dev/full", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")


def test_the_rest_is_done_when_nobody_reads(tmp_path):
    """Lines of the first files are lost in the pipe, the files are all made."""
    code = (
        "from pathlib import Path; from workbench.terminal import run_command\n"
        "def command():\n"
        "    for number in range(5000): print('x' * 100, flush=number < 3)\n"
        "    Path('done').touch()\n"
        "raise SystemExit(run_command(command))"
    )
    (tmp_path / "command.py").write_text(code)
    done = shell(f'{{ "{sys.executable}" command.py; echo $? >status; }} | head -n 1', tmp_path)
    assert done.stderr == b"" and (tmp_path / "status").read_text() == "0\n" and (tmp_path / "done").exists()


def test_names_that_a_terminal_cannot_show_are_escaped(tmp_path):
    name = os.fsdecode(b"latin-\xe9-\xc3\xa9")
    code = f"from workbench.terminal import run_command; raise SystemExit(run_command(lambda: print({name!r})))"
    for coding in ("ascii", "utf-8"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, env={"PYTHONIOENCODING": coding})
        assert (done.returncode, done.stderr) == (0, b"") and done.stdout.startswith(b"latin-\\udce9-")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["restore", "r", "a.png", "--output", ".", "--tile", "0"], "--tile"),
        (["evaluate", "r", "--data", ".", "--tile", "-5"], "--tile"),
        (["compare", "denoise", "--processes", "0"], "--processes"),
        (["data", "prepare", "gopro", "--from", "/dev/zero", "--root", "."], "/dev/zero: cannot be read"),
        (["train", "denoise-pocket", "--runs", "file"], "file/denoise-pocket-noise-space-s0: cannot be written (Not a"),
    ],
)
def test_wrong_calls(monkeypatch, capsys, tmp_path, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(sys, "argv", ["workbench", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    err = capsys.readouterr().err
    assert exit_.value.code == 2 and err.startswith("workbench: ") and message in err and err.count("\n") == 1
