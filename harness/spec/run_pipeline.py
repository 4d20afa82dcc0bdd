#!/usr/bin/env python3
"""Runs shell lines of a pipeline template (ci/*.yml) as the service would, as far as they need no network.

    run_pipeline.py TEMPLATE [--shell-check] [--set NAME=VALUE]... [--step STEP]...

TEMPLATE is for GitHub Actions (steps by their names) or GitLab (steps: before_script, script). --shell-check runs nothing:
each step's lines must be a shell script. --set gives what a user would have written into the template, and what the service
says. Exit code: that of the first step that fails.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys

import yaml


def github(template, known):
    """(name, script, environment) of each step of the only job."""
    (job,) = template["jobs"].values()

    def fill_in(text):
        return re.sub(r"\$\{\{\s*([\w.-]+)\s*\}\}", lambda found: known[found[1]], str(text))

    for step in job["steps"]:
        if ("run" in step) == ("uses" in step):
            sys.exit(f"a step must have either run or uses: {step}")
        if "run" in step:
            environment = {**template["env"], **{name: fill_in(value) for name, value in step.get("env", {}).items()}}
            yield step["name"], step["run"], environment


def gitlab(template):
    (job,) = template.values()
    for name in ("before_script", "script"):
        yield name, "\n".join(job[name]), job["variables"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("template", type=pathlib.Path)
    parser.add_argument("--shell-check", action="store_true")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--step", action="append", default=[], dest="steps")
    given = parser.parse_args()
    known = dict(pair.split("=", 1) for pair in given.set)
    template = yaml.safe_load(given.template.read_text(encoding="utf-8"))
    is_github = "jobs" in template
    shell = ["bash", "-e"] if is_github else ["bash", "-eo", "pipefail"]
    steps = list(github(template, known) if is_github else gitlab(template))
    missing = set(given.steps) - {name for name, _, _ in steps}
    if missing:
        sys.exit(f"{given.template} has no step {missing}")
    for name, script, environment in steps:
        if given.shell_check:
            subprocess.run(["bash", "-n", "-c", script], check=True)
        elif name in given.steps:
            words = {key: value for key, value in known.items() if key.isidentifier()}
            status = subprocess.run([*shell, "-c", script], env={**os.environ, **environment, **words}, check=False).returncode
            if status != 0:
                sys.exit(status)


main()
