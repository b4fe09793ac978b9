"""The class's hub on this machine, without passwords, with homes of its own; and students who work on it, simulated.

``python tests/browser/trial_hub.py 20`` starts it with twenty students, takes screenshots of the class view and prints
what the view costs per student and minute.
"""

import asyncio
import contextlib
import multiprocessing
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType

import psutil
from playwright.sync_api import Browser, Page

from course_utils.exercises import check, exercises, share
from course_utils.lab.browser import open_browser
from course_utils.lab.server import free_ports
from course_utils.paths import ROOT
from course_utils.teaching.hub.hand_out import SERVER

CONFIG = ROOT / "course_utils" / "teaching" / "hub" / "jupyterhub_config.py"
TRIAL = """
load_subconfig({config!r})
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.poll_interval = 1
c.Spawner.args = [*c.Spawner.args, "--allow-root"]
c.Spawner.environment["COURSE_CLASS"] = "http://127.0.0.1:{relay_port}/services/class/"
c.JupyterHub.services.append({{"name": "trial", "api_token": {token!r}}})
c.JupyterHub.load_roles.append({{"name": "trial", "services": ["trial"], "scopes": ["admin:users", "admin:servers"]}})
"""


@dataclass(frozen=True)
class Hub:
    """A hub that runs: its address, the folder with homes, state and log, and a token that starts servers."""

    url: str
    folder: Path
    process: psutil.Process
    class_port: int
    relay_port: int  # students' servers report to this one; without a relay it is class_port
    token: str

    def state(self, student: str) -> Path:
        return self.folder / "home" / student / ".course"

    def start(self, student: str) -> None:
        for address in (f"users/{student}", f"users/{student}/server"):
            asked = urllib.request.Request(
                f"{self.url}/hub/api/{address}", method="POST", headers={"Authorization": f"token {self.token}"}
            )
            with urllib.request.urlopen(asked, timeout=300) as answer:
                assert answer.status in (201, 202)


@contextlib.contextmanager
def running_hub(folder: Path, relayed: bool = False, config: str = "", **settings: str) -> Iterator[Hub]:
    """The hub with these lines of configuration and environment variables, with folder as its current folder."""
    port, hub_port, proxy_port, class_port, relay_port = free_ports(5)
    token = secrets.token_hex(16)
    hub_files = {"config": str(CONFIG), "homes": str(folder / "home"), "token": token}
    ports = {"hub_port": hub_port, "proxy_port": proxy_port, "relay_port": relay_port if relayed else class_port}
    (folder / "trial_config.py").write_text(TRIAL.format(**hub_files, **ports) + config)
    environment = {
        **os.environ,
        "COURSE_HUB_BIND": f"127.0.0.1:{port}",
        "COURSE_HUB_STATE": str(folder / "state"),
        "COURSE_HUB_CLASS_PORT": str(class_port),
        **settings,
    }
    (folder / "cwd").mkdir()
    log = folder / "log"
    command = [sys.executable, "-m", "jupyterhub", f"--config={folder / 'trial_config.py'}"]
    with log.open("w") as file:
        server = subprocess.Popen(
            command,
            cwd=folder / "cwd",
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    hub = Hub(f"http://127.0.0.1:{port}", folder, psutil.Process(server.pid), class_port, ports["relay_port"], token)
    try:
        for _ in range(480):
            try:
                urllib.request.urlopen(f"{hub.url}/hub/health", timeout=1)
                break
            except (urllib.error.URLError, OSError):
                assert server.poll() is None, log.read_text()
                time.sleep(0.25)
        yield hub
    finally:
        family = hub.process.children(recursive=True)
        server.send_signal(signal.SIGINT)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        for process in psutil.wait_procs(family, timeout=10)[1]:
            process.kill()


def servers_of(student: str) -> list[psutil.Process]:
    """The student's server; a kernel is its child."""
    found = []
    for process in psutil.process_iter():
        try:
            started = {Path(word).name for word in process.cmdline()}
            if process.environ().get("JUPYTERHUB_USER") == student and SERVER in started:
                found.append(process)
        except psutil.Error:
            continue
    return found


def work(state: Path, notebook: str, seed: int, pause: float, seconds: float) -> None:
    """One student: some wrong answers to each exercise, of the course's own misconceptions, and then the right one."""
    os.environ["COURSE_STATE"] = str(state)
    dice, end = random.Random(seed), time.monotonic() + seconds
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        share("on")
        for exercise in exercises(notebook):
            common = [each.spellings[0] for each in exercise.misconceptions[:4]]
            believed = dice.choices(common, weights=[8, 4, 2, 1][: len(common)])[0]
            reference = exercise.reference
            right = FunctionType(
                reference.__code__.replace(), reference.__globals__, reference.__name__, reference.__defaults__
            )
            for answer in [*[believed] * dice.choice([0, 1, 1, 2, 3, 30]), right]:
                time.sleep(max(0.0, min(dice.expovariate(1 / pause), end - time.monotonic())))
                if time.monotonic() >= end:
                    return
                check(exercise.name, answer)


@contextlib.contextmanager
def at_work(hub: Hub, students: list[str], notebook: str, pause: float, seconds: float) -> Iterator[None]:
    """Within the block, a process per student answers exercises; PyTorch is loaded once and shared."""
    fork = multiprocessing.get_context("fork")
    processes = [
        fork.Process(target=work, args=(hub.state(student), notebook, seed, pause, seconds), daemon=True)
        for seed, student in enumerate(students)
    ]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


@contextlib.contextmanager
def relay(listens: int, to: int) -> Iterator[list[int]]:
    """Within the block, connections to one port go on to another; → [bytes so far], both directions together."""
    total = [0]

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            total[0] += len(data)
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(asyncio.start_server(connected, "127.0.0.1", listens), loop).result()
    try:
        yield total
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def log_in(browser: Browser, hub: Hub, who: str, next: str = "", **options: object) -> Page:
    """A page of this user, who has just logged in; next: where it goes instead of the user's own server."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(300_000)
    page.goto(f"{hub.url}/hub/login" + (f"?next={next}" if next else ""))
    page.get_by_label("Username:").fill(who)
    page.get_by_label("Password:").fill("any")
    page.get_by_role("button", name="Sign in").click()
    return page


def cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def main(count: int, minutes: float, pictures: Path) -> None:
    students = [f"student-{number:02d}" for number in range(1, count + 1)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running_hub(Path(folder), relayed=True, COURSE_HUB_INSTRUCTORS="teacher", COURSE_HUB_NAMES="yes") as hub,
        relay(hub.relay_port, hub.class_port) as sent,
        open_browser() as browser,
    ):
        for student in students:
            hub.start(student)
            while not servers_of(student):
                time.sleep(0.5)
        time.sleep(30)  # until the last has started
        servers = [server for student in students for server in servers_of(student)]
        (service,) = (
            each for each in hub.process.children() if "course_utils.teaching.classroom.service" in each.cmdline()
        )

        def spent(seconds: float) -> tuple[float, float, float]:
            """Bytes, CPU seconds of a student's server and CPU seconds of the service, per student and minute."""
            before = sent[0], cpu_seconds(servers), cpu_seconds([service])
            time.sleep(seconds)
            after = sent[0], cpu_seconds(servers), cpu_seconds([service])
            bytes_, server, all_ = (
                (late - early) * 60 / seconds / count for early, late in zip(before, after, strict=True)
            )
            return bytes_, server, all_

        idle = spent(60)
        print("nobody shares:  {:8.0f} bytes, {:.3f} s of a server, {:.4f} s of the service".format(*idle))
        with at_work(hub, students, "04", pause=12, seconds=600 + 60 * minutes):
            time.sleep(30)
            busy = spent(60 * minutes)
            print("all at work:    {:8.0f} bytes, {:.3f} s of a server, {:.4f} s of the service".format(*busy))
            for width, height, theme in ((1280, 720, "light"), (1920, 1080, "dark")):
                view = {"width": width, "height": height}
                page = log_in(browser, hub, "teacher", "/services/class/", viewport=view, color_scheme=theme)
                page.get_by_text("live", exact=True).wait_for()
                page.screenshot(path=pictures / f"class_{width}_{theme}.png")
            watched = spent(60)
            print("and two watch:  {:8.0f} bytes, {:.3f} s of a server, {:.4f} s of the service".format(*watched))
        print(f"memory of the service: {service.memory_info().rss / 2**20:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]), 4, Path(sys.argv[2] if len(sys.argv) > 2 else "."))
