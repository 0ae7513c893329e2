#!/usr/bin/env python3
"""Writes releases of an app as tar.gz files whose bytes depend on their contents alone: no times, no owners.

usage: pack.py DIR APP PROGRAM < lines "RELEASE [BEHAVIOUR]", BEHAVIOUR being further keys of release.json
"""
import gzip
import io
import os
import sys
import tarfile


def add(archive, name, content, mode):
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), mode
    archive.addfile(info, io.BytesIO(content))


def release_of(app, program, record):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folder = tarfile.TarInfo("bin")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(folder)
        add(archive, f"bin/{app}", program, 0o755)
        add(archive, "release.json", (record + "\n").encode(), 0o644)
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", 9, packed, mtime=0) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


def main():
    folder, app, source = sys.argv[1:]
    with open(source, "rb") as file:
        program = file.read()
    os.makedirs(folder, exist_ok=True)
    for line in sys.stdin:
        release, _, behaviour = line.strip().partition(" ")
        record = f'{{"app": "{app}", "release": "{release}"{", " + behaviour if behaviour else ""}}}'
        path = os.path.join(folder, f"{app}-{release}.tar.gz")
        with open(path + ".new", "wb") as file:
            file.write(release_of(app, program, record))
        os.rename(path + ".new", path)


main()
