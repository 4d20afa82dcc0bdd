"""What the scripts of this folder do alike: which checks there are, one run of the command, what a run costs, a fuzzer's input."""
import json
import pathlib
import resource
import subprocess
import sys
import threading
import time
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def all_checks():
    return [read(path) for path in sorted((ROOT / "scenarios").glob("*/*.json"))]


def must_checks():
    return [check["id"] for check in all_checks() if check["level"] == "must"]


def commit():
    asked = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def in_sample(one_in, *words):
    """Whether those words are among one in so many: the same ones each time."""
    return zlib.crc32(" ".join(words).encode()) % one_in == 0


class CouldNotBeTried(Exception):
    """Says why; the scripts then end with 2."""


def results_of(build, report, *words):
    """The results of `sockdrill run WORDS`; what the file `report` held before is gone."""
    report.unlink(missing_ok=True)
    ran = subprocess.run([build / "bin/sockdrill", "run", *words, "--report", f"json={report}"],
                         stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if ran.returncode in (2, 130) or not report.exists():  # bad usage, interrupted
        raise CouldNotBeTried(f"sockdrill run ended with {ran.returncode}\n{ran.stderr}")
    return read(report)["results"]


def build_targets(build, *targets):
    if subprocess.run(["cmake", "--build", str(build), "--target", *targets], check=False,
                      stdout=subprocess.DEVNULL).returncode != 0:
        raise CouldNotBeTried(f"cmake --build {build} --target {' '.join(targets)} failed")


class Ran:
    """A command that must end with one of `statuses`: what it said, and its wall and processor time with all it started."""

    def __init__(self, *words, statuses=(0,), watch=None, env=None):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=env) as child:
            watcher = threading.Thread(target=watch or (lambda pid: None), args=(child.pid,))
            watcher.start()
            self.said = child.stdout.read()
        watcher.join()
        self.seconds = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.user, self.system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
        if child.returncode not in statuses:
            raise CouldNotBeTried(f"{' '.join(map(str, words))[:300]} ended with {child.returncode}\n{self.said[-1500:]}")


def without_faults(steps):
    """Those that are left, for a scenario has at least one."""
    left = [dict(step, steps=without_faults(step["steps"])) if "repeat" in step else step for step in steps
            if not isinstance(step.get("server"), dict) or "from_here" not in step["server"]]
    return left or [{"server": "settled"}]


def scenario_of(build, form, speaks, name):
    """A fuzzer's input as a scenario that the real world plays, too: without faults and schedule. None: libFuzzer's very first
    one, which is none of ours."""
    if not form.read_bytes().startswith(b"\x03"):
        return None
    scenario = json.loads(Ran(build / "bin/sockdrill", "decode", form, "--speaks", speaks).said)
    scenario.pop("faults", None)
    scenario.pop("schedule", None)
    return scenario | {"id": name, "steps": without_faults(scenario["steps"])}


def end_with(main):
    """Runs a script's main(), and ends with what it returns."""
    try:
        sys.exit(main())
    except CouldNotBeTried as why:
        print(f"ci/{pathlib.Path(sys.argv[0]).name}: {why}", file=sys.stderr)
        sys.exit(2)
