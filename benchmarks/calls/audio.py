"""A recording streamed to eight clients at once, beside nginx and the bare server with the same file on the same core.

And what a download costs in memory: of fifty clients that read slowly, all under way.
"""

import contextlib
import hashlib
import http.client
import io
import os
import socket
import time
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from benchmarks import servers
from benchmarks.calls.data import Made
from benchmarks.figures import Figure, Plan, Results, median
from benchmarks.machine import ForeignCpu, busiest, cores, cpu_seconds, memory_mib, pinned_to
from benchmarks.servers import BenchmarkError

OF_PEER_MIN = 0.5
MIB_A_DOWNLOAD_MAX = 2.0
CLIENTS = 8
SLOW_CLIENTS = 50
SLOW_STEPS = 40
STEP_SECONDS = 0.1
READ_BYTES = 1 << 20
SLOW_READ_BYTES = 1 << 16  # of each client in a step
MIB = 1 << 20


class Target(msgspec.Struct, frozen=True):
    """Where audio is to be had."""

    pid: int
    port: int
    path: str
    key: str | None = None


class Turn(msgspec.Struct, frozen=True):
    """What one turn came to. `cpu_ms` is what the server used for a MiB."""

    mib_per_second: float
    cpu_ms: float
    foreign: float


def measure(made: Made, place: Path, plan: Plan, results: Results) -> None:
    """Add the figures of audio."""
    server_core, load_core = cores()
    data = place / "audio"
    sound = _sound(plan.audio_mib)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(servers.skipcall(made.url, data, server_core))
        path = _upload(made, server.port, sound)
        file = max(
            (one for one in (data / "recordings").rglob("*") if one.is_file()), key=lambda one: one.stat().st_mtime
        )
        bare = stack.enter_context(servers.bare(made.url, made.tenant, place / "bare-audio.log", server_core, file))
        targets = {
            "skipcall": Target(server.pid, server.port, path, made.tenant.key),
            "bare": Target(bare.pid, bare.port, "/audio"),
        }
        if servers.has_nginx():
            nginx = stack.enter_context(servers.nginx(file, place / "nginx", server_core))
            targets["nginx"] = Target(nginx.pid, nginx.port, "/audio")
        digest = hashlib.sha256(sound).digest()
        for name, target in targets.items():
            if hashlib.sha256(_download(target)).digest() != digest:
                raise BenchmarkError(f"{name} answers other bytes")
        rounds = []
        with pinned_to(load_core):
            for number in range(plan.rounds):
                names = sorted(targets)
                turns = names[number % len(names) :] + names[: number % len(names)]
                rounds.append({name: _turn(name, targets[name], len(sound), plan.seconds) for name in turns})
            slow = _slow(targets["skipcall"], len(sound))
    results.measurements["audio"] = rounds
    results.measurements["audio, slow clients, MiB of the worker"] = slow
    peer = "nginx" if "nginx" in targets else "bare"
    for name in sorted(targets.keys() - {"skipcall"}):
        ratio = median([one["skipcall"].mib_per_second / one[name].mib_per_second for one in rounds])
        results.figures.append(Figure(f"audio, of {name}", ratio, at_least=OF_PEER_MIN if name == peer else None))
    results.figures += [
        Figure("audio", median([one["skipcall"].mib_per_second for one in rounds]), "MiB/s"),
        Figure("memory of a slow download", (max(slow) - slow[0]) / SLOW_CLIENTS, "MiB", at_most=MIB_A_DOWNLOAD_MAX),
    ]


def _sound(mib: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8_000)
        sound.writeframes(os.urandom(mib * MIB))
    return file.getvalue()


def _upload(made: Made, port: int, sound: bytes) -> str:
    """Upload a recording to some call and return the address of its audio."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {made.tenant.key}"}
    connection.request("GET", "/v1/calls?size=1&hasRecording=false", headers=headers)
    call = msgspec.json.decode(connection.getresponse().read())["data"][0]["id"]
    path = f"/v1/calls/{call}/recording/audio"
    connection.request("PUT", path, body=sound, headers=headers | {"Content-Type": "audio/wav"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status != 201:
        raise BenchmarkError(f"the recording was refused: {answer.status} {body[:500].decode('utf-8', 'replace')}")
    return path


def _turn(name: str, target: Target, size: int, seconds: int) -> Turn:
    """Let all clients download, one file after the other, for so many seconds and to the end of their last file."""
    foreign, used, began = ForeignCpu(), cpu_seconds(target.pid), time.monotonic()

    def download() -> int:
        files = 0
        while time.monotonic() - began < seconds:
            if _pass_by(target) != size:
                raise BenchmarkError(f"{name} broke a download off")
            files += 1
        return files

    with ThreadPoolExecutor(CLIENTS) as pool:
        files = sum(one.result() for one in [pool.submit(download) for _ in range(CLIENTS)])
    took, mib = time.monotonic() - began, files * size / MIB
    turn = Turn(mib / took, (cpu_seconds(target.pid) - used) * 1e3 / mib, foreign.read())
    print(f"  audio {name:<9}{turn.mib_per_second:>8,.0f} MiB/s, others used {turn.foreign:.2f} cores", flush=True)
    return turn


def _open(target: Target, receive_bytes: int | None = None) -> socket.socket:
    """Ask for the audio, and return the connection that it comes on."""
    one = socket.socket()
    one.settimeout(60)
    if receive_bytes is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    one.connect(("127.0.0.1", target.port))
    key = f"Authorization: Bearer {target.key}\r\n" if target.key else ""
    one.sendall(f"GET {target.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{key}\r\n".encode())
    return one


def _pass_by(target: Target) -> int:
    """Download once, keep nothing, and return how many bytes the body had."""
    buffer = bytearray(READ_BYTES)
    with _open(target) as one:
        length = one.recv_into(buffer)
        head, _, _ = bytes(buffer[:length]).partition(b"\r\n\r\n")
        while read := one.recv_into(buffer):
            length += read
    return length - len(head) - 4 if head.startswith(b"HTTP/1.1 200") else 0


def _download(target: Target) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=60)
    headers = {"Authorization": f"Bearer {target.key}"} if target.key else {}
    connection.request("GET", target.path, headers=headers)
    body = connection.getresponse().read()
    connection.close()
    return body


def _slow(target: Target, size: int) -> list[float]:
    """Return the memory of the worker: before there are slow clients, and then after each step of theirs."""
    worker = busiest(target.pid)
    found = [memory_mib(worker)]
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(_open(target, SLOW_READ_BYTES)) for _ in range(SLOW_CLIENTS)]
        taken = 0
        for _ in range(SLOW_STEPS):
            for one in clients:
                taken += len(one.recv(SLOW_READ_BYTES))
            time.sleep(STEP_SECONDS)
            found.append(memory_mib(worker))
    if not SLOW_CLIENTS <= taken < SLOW_CLIENTS * size:
        raise BenchmarkError(f"the slow clients were not under way: they took {taken} bytes")
    return found
