"""A file system without locks, pretended: every call for one fails, as on a Lustre that is mounted without them."""

import errno
import os
import shutil
import subprocess

import pytest

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>

static int refused(void) { errno = atoi(getenv("LOCKLESS_ERRNO")); return -1; }

int flock(int fd, int operation) { (void)fd; (void)operation; return refused(); }

#define REPLACED(name)                                                                              \
    int name(int fd, int command, ...) {                                                            \
        va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest); \
        if (command == F_SETLK || command == F_SETLKW || command == F_GETLK) return refused();      \
        return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, #name))(fd, command, argument);            \
    }
REPLACED(fcntl)
REPLACED(fcntl64)
"""


def lockless_environment(directory, code=errno.ENOLCK):
    """What a process needs in its environment to find no locks anywhere; skips where that cannot be built."""
    if shutil.which("gcc") is None:
        pytest.skip("there is no gcc to build the pretended file system with")
    source, library = directory / "lockless.c", directory / "lockless.so"
    source.write_text(SHIM)
    built = subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], capture_output=True, text=True)
    if built.returncode:
        pytest.skip(f"the pretended file system cannot be built: {built.stderr}")
    return {"LD_PRELOAD": str(library), "LOCKLESS_ERRNO": str(code)}


def refuse_locks(monkeypatch, code=errno.ENOLCK):
    """The same for this process, as far as dlec itself asks for locks."""

    def refused(*_arguments):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("engine.locks.fcntl.flock", refused)
    monkeypatch.setattr("engine.locks.fcntl.lockf", refused)
    monkeypatch.setattr("engine.locks._has_locks", {})
