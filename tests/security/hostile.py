"""Files that no instance is: each is read with little memory, and what came of it is printed as JSON.

Run as a script, because a process can only once and for all be forbidden to take more memory.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import sys
import time
from pathlib import Path

from schedlab.envs.core import InputError, load_problem

ENDINGS = {
    "job-shop": ".txt",
    "job-shop-improvement": ".txt",
    "blocking-job-shop": ".txt",
    "dynamic-job-shop": ".txt",
    "single-machine": ".csv",
    "soc": ".json",
    "vm": ".json",
    "uam": ".json",
}
ROOM = 1 << 30
"""Bytes that reading may take beyond what the imported libraries have."""


def write_all(folder: Path) -> None:
    """The files, ``PROBLEM/CASE.ENDING``."""
    for problem, ending in ENDINGS.items():
        place = folder / problem
        place.mkdir()
        for name, data in {**EVERYWHERE, **(TEXTS if ending != ".json" else DOCUMENTS)}.items():
            (place / f"{name}{ending}").write_bytes(data)
        for name, data in OWN.get(problem, {}).items():
            (place / name).write_bytes(data)
        os.mkfifo(place / f"pipe{ending}")
        (place / f"device{ending}").symlink_to("/dev/zero")
        (place / f"nowhere{ending}").symlink_to(place / "not-there")
        (place / f"circle{ending}").symlink_to(place / f"circle{ending}")
        (place / f"folder{ending}").mkdir()
        with (place / f"large{ending}").open("wb") as file:
            file.truncate(80 * 2**20)  # zeros that take no room on the disk


EVERYWHERE = {
    "empty": b"",
    "latin": b"\xff\xfe\x80 5 5\n",
    "null": b"\x00" * 100,
    "words": b"import os\nos.system('true')\n",
}
TEXTS = {
    "jobs": b"2000000000 2\n0 1 1 1\n",
    "machines": b"1 2147483647\n0 5\noperations 1\n",
    "numbers": b"2 1\n0 99999999999999999999\n0 1e999\n",
    "zeros": b"1 1\n0 " + b"0" * 10_000 + b"1\n",
    "long": b"1" * 10**6,
    "wide": b"2 2\n" + b"1 " * 10**5 + b"\n",
    "twice": b"1 1\n0 1\ndue 5\ndue 6\n",
}
DOCUMENTS = {
    "deep": b"[" * 10**6,
    "nested": b'{"a":' * 10**5 + b"1" + b"}" * 10**5,
    "digits": b"1" * 10**6,
    "huge": b'{"vertiports": 1e999, "platform": 1e999, "cluster_list": 1e999}',
    "nan": b"NaN",
    "twins": b'{"name": "a", "name": "b"}',
    "text": b'"' + b"x" * 10**6 + b'"',
    "many": b"[" + b"0," * 10**6 + b"0]",
    "escape": b'{"\\u001b[31m": 1}',
}


def _kind(name: str) -> dict[str, object]:
    return {"name": name, "execution": {"t": 1}}


def _run(**changes: object) -> bytes:
    application = {"name": "a", "tasks": [["n", "t"]], "edges": []}
    run = {"platform": {"name": "p", "kinds": [_kind("k")]}, "applications": [application]}
    return json.dumps({**run, **changes}).encode()


_PORTS = [{"name": name, "x": place, "y": 0, "parking": 4, "chargers": 4} for name, place in (("a", 0), ("b", 9))]


def _day(**changes: object) -> bytes:
    day = {"vertiports": _PORTS, "aircraft": {"start": ["a"]}, "demand": [[[0, 1], [1, 0]]]}
    return json.dumps({**day, **changes}).encode()


OWN = {
    "single-machine": {"many-wt999999999.txt": b"1 1 1\n", "commas.csv": b"processing,due\n" + b"," * 10**6},
    "soc": {
        "kinds.json": _run(platform={"name": "p", "kinds": [_kind(f"k{k}") for k in range(50_000)]}),
        "tasks.json": _run(applications=[{"name": "a", "tasks": [[f"n{k}", "t"] for k in range(10**5)], "edges": []}]),
        "applications.json": _run(
            applications=[{"name": f"a{k}", "tasks": [["n", "t"]], "edges": []} for k in range(50_000)]
        ),
        "jobs.json": _run(
            applications=[{"name": "a", "tasks": [[f"n{k}", "t"] for k in range(9000)], "edges": []}],
            jobs=[{"application": "a"}] * 5000,
        ),
        "other-platform.json": _run(platform="../../../etc/passwd"),
        "other-device.json": _run(platform="/dev/zero"),
        "other-application.json": _run(applications=["./secret.json"]),
        "steering.json": _run(platform={"name": "\x1b[2J", "kinds": [_kind("k")]}),
    },
    "vm": {
        "bomb.json.gz": gzip.compress(b'{"a": "' + b"0" * (200 * 2**20) + b'"}', 9),
        "bombs.json.gz": gzip.compress(b" " * 2**20, 9) * 200,
        "cut.json.gz": gzip.compress(b"{}")[:-5],
        "damaged.json.gz": b"\x1f\x8b\x08" + b"\xff" * 100,
        "no.json.gz": b"{}",
    },
    "uam": {
        "slots.json": _day(
            terms={"slot": 1, "day": 86400}, vertiports=[{**_PORTS[0], "name": f"p{k}"} for k in range(900)]
        ),
        "fleet.json": _day(aircraft={"start": ["a"] * 200_000}),
        "ports.json": _day(vertiports=[{**_PORTS[0], "name": f"p{k}"} for k in range(5000)]),
        "fields.json": b"{" + b",".join(b'"f%d": 0' % k for k in range(200_000)) + b', "f0": 1}',
        "steering.json": _day(name="\x1b[2J"),
    },
}  # fmt: skip


def main(folder: Path) -> None:
    """Read all, and print for each the message (or the kind of failure) and the seconds."""
    problems = {name: load_problem(name) for name in ENDINGS}
    for name in ("single-machine", "job-shop"):  # what is imported on the way belongs to the libraries
        problems[name].simulator_for_config(problems[name].configure({}), 1)
    room = ROOM + _taken()
    resource.setrlimit(resource.RLIMIT_AS, (room, room))
    answers = {}
    for problem in ENDINGS:
        config = problems[problem].configure({})
        for path in sorted((folder / problem).iterdir()):
            begun = time.monotonic()
            try:
                instances = problems[problem].load_all(str(path), config)
                problems[problem].simulator_for(instances[:1], config)
                answer = ["read", ""]
            except InputError as error:
                answer = ["refused", str(error)]
            except BaseException as error:
                answer = [type(error).__name__, str(error)[:300]]
            answers[f"{problem}/{path.name}"] = [*answer, time.monotonic() - begun]
    print(json.dumps(answers))


def _taken() -> int:
    """Bytes of address space that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
