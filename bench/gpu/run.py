"""Measures Retriever Studio on this machine's GPU: `python3 run.py`, Python 3.8 or newer, eight minutes at most.

One process for each measurement, with a limit of time; the most telling parts come first (parts.json). After each part
results.json and results.md hold all that is known. What fails is recorded with its reason, and the next part follows.

  --out DIR          where the results go (the current folder)
  --parts A,B        only these parts
  --allow-software   small sizes also where a processor plays the GPU: a trial of the programs, no information about speed
  --total SECONDS    limit of all parts together (480, and 180 more with the page)
  --table FILE       other parts than those of parts.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import vulkan

HERE = os.path.dirname(os.path.abspath(__file__))
SOFTWARE = "software, small sizes: no information about speed"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=".", help=argparse.SUPPRESS)
    parser.add_argument("--parts", help=argparse.SUPPRESS)
    parser.add_argument("--allow-software", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--total", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--table", help=argparse.SUPPRESS)
    return parser.parse_args()


class Run:
    """What is known so far: of the machine, and of what was measured."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.started = time.monotonic()
        self.environment = dict(os.environ)
        self.adapter = None
        self.webgpu = None
        self.parts = []
        bundled = os.path.join(HERE, "bin", "node")
        self.node = bundled if os.path.exists(bundled) else shutil.which("node")

    @property
    def software(self) -> bool:
        return self.adapter is not None and vulkan.is_software(self.adapter.get("description", ""), self.adapter.get("type", ""))

    @property
    def small(self) -> bool:
        return self.software and self.options.allow_software

    def seconds_left(self) -> float:
        return self.options.total - (time.monotonic() - self.started)

    def command(self, words: list) -> list:
        values = {
            "{python}": [sys.executable],
            "{node}": [self.node or "node"],
            "{small}": ["--small"] if self.small else [],
            "{allow-software}": ["--allow-software"] if self.options.allow_software else [],
        }
        return [word.replace("{parts}", "studio/bench/gpu/parts") for each in words for word in values.get(each, [each])]

    def refusal(self, part: dict, program: dict):
        """Why a program is not started; None if it is."""
        if program.get("needs") != "webgpu":
            return None
        if self.webgpu is not None and not self.webgpu["works"]:
            return "no WebGPU: " + self.webgpu["reason"]
        if self.software and part.get("speed") and not self.options.allow_software:
            return "refused: %s is software, which tells nothing about speed (--allow-software tries the programs)" % self.adapter["description"]
        return None

    def take(self, line: dict, results: list, part: dict, program: dict) -> bool:
        """Takes a line that a program printed; False if it is no result."""
        if isinstance(line.get("environment"), dict):
            self.environment.update(line["environment"])
        elif isinstance(line.get("adapter"), dict):
            self.adapter = line["adapter"]
        elif isinstance(line.get("webgpu"), dict):
            self.webgpu = line["webgpu"]
        elif isinstance(line.get("what"), str) and any(key in line for key in ("value", "skipped", "failed")):
            result = {"on": program.get("on", ""), **line}
            if self.small and part.get("speed"):
                result["software"] = True
            results.append(result)
        else:
            return False
        return True


def kill(process: subprocess.Popen) -> None:
    """Ends a program with all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:400] if lines else ""


def start(run: Run, part: dict, program: dict, limit: float, results: list):
    """Runs one program to its end or its limit. Returns why it gave less than it should, or None."""
    command = run.command(program["command"])
    errors = tempfile.TemporaryFile(mode="w+", errors="replace")
    try:
        process = subprocess.Popen(
            command,
            cwd=HERE,
            env=run.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            universal_newlines=True,
            errors="replace",
        )
    except OSError as error:
        return "failed: it could not be started (%s)" % error
    strays = []
    before = len(results)

    def read() -> None:
        for text in process.stdout:
            try:
                line = json.loads(text)
            except ValueError:
                line = None
            if not (isinstance(line, dict) and run.take(line, results, part, program)):
                strays.append(text.strip()[:200])

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        process.wait(timeout=limit)
        ended = None
    except subprocess.TimeoutExpired:
        ended = "ran past its limit of %g s" % round(limit, 1)
    except KeyboardInterrupt:
        kill(process)
        raise
    # Also after it ended by itself: what it started may hold its output open.
    kill(process)
    process.wait()
    reader.join(timeout=2)
    errors.seek(0)
    said = last_line(errors.read())
    if ended is not None:
        return ended
    if process.returncode < 0:
        return "failed: ended by %s%s" % (signal.Signals(-process.returncode).name, ": " + said if said else "")
    if process.returncode > 0:
        return "failed: " + (said or "it ended with code %d and said nothing" % process.returncode)
    if len(results) == before:
        return "failed: it printed no result" + (" but " + repr(strays[0]) if strays else "")
    return None


def measure(run: Run, part: dict) -> None:
    begun = time.monotonic()
    results = list(part.get("skipped", []))
    record = {"name": part["name"], "limit": part["seconds"], "seconds": 0, "outcome": "done", "results": results}
    run.parts.append(record)
    problems = []
    end = begun + min(part["seconds"], max(0, run.seconds_left()))
    later = sum(program["seconds"] for program in part["programs"])
    for program in part["programs"]:
        later -= program["seconds"]
        refusal = run.refusal(part, program)
        if refusal is not None:
            results.append({"what": part["name"], "on": program["on"], "skipped": refusal})
            continue
        # What earlier programs left of their time is added; what later ones need is kept, as far as there is time.
        left = end - time.monotonic()
        limit = min(left, max(program["seconds"], left - later))
        if limit <= 0:
            problem = "not started: no time was left"
        else:
            problem = start(run, part, program, limit, results)
        if problem is not None:
            results.append({"what": part["name"], "on": program["on"], "failed": problem})
            problems.append("%s %s" % (program["on"], problem))
    record["seconds"] = round(time.monotonic() - begun, 1)
    if problems:
        record["outcome"] = "; ".join(problems)


# --- What is written ------------------------------------------------------------------------------------------------


def figure(result: dict) -> str:
    if "value" not in result:
        return "–"
    value = result["value"]
    if isinstance(value, float) or isinstance(value, int) and not isinstance(value, bool):
        shown = "%.0f" % value if abs(value) >= 1000 else "%.3g" % value
    else:
        shown = str(value)
    return shown + (" " + result["unit"] if result.get("unit") else "")


def remark(result: dict) -> str:
    parts = [result[key] for key in ("note", "skipped", "failed") if result.get(key)]
    if result.get("software") and isinstance(result.get("value"), (int, float)):
        parts.insert(0, SOFTWARE)
    return "; ".join(parts)


def cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def markdown(document: dict) -> str:
    lines = ["# Retriever Studio on this GPU", "", "%s; %s" % (document["date"], document["machine"]), ""]
    if document["software"]:
        lines += ["**%s.**" % (SOFTWARE[0].upper() + SOFTWARE[1:]), ""]
    lines += ["| part | seconds of | what | on | figure | remarks |", "| --- | --- | --- | --- | --- | --- |"]
    for part in document["parts"]:
        name, time_taken = part["name"], "%g of %g" % (part["seconds"], part["limit"])
        for result in part["results"] or [{"what": "", "on": "", "failed": part["outcome"]}]:
            row = [name, time_taken, result["what"], result["on"], figure(result), remark(result)]
            lines.append("| " + " | ".join(cell(each) for each in row) + " |")
            name = time_taken = ""
    lines += ["", "%g s in all, of %g." % (document["seconds"], document["limit"]), ""]
    return "\n".join(lines)


def write(path: str, text: str) -> None:
    """Whole or not at all: the program may be ended at any time."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)


def write_results(run: Run) -> None:
    document = {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()) + " UTC",
        "machine": "%s, %d cores, Python %s" % (platform.platform(), os.cpu_count() or 0, platform.python_version()),
        "adapter": run.adapter,
        "software": run.small,
        "seconds": round(time.monotonic() - run.started, 1),
        "limit": run.options.total,
        "parts": run.parts,
    }
    write(os.path.join(run.options.out, "results.json"), json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    write(os.path.join(run.options.out, "results.md"), markdown(document))


def read_table(options: argparse.Namespace) -> list:
    """The parts, and those of the page where the second archive is; sets the limit of all that was left open."""
    page = os.path.join(HERE, "parts-page.json")
    total = 480
    with open(options.table or os.path.join(HERE, "parts.json"), encoding="utf-8") as file:
        table = json.load(file)
    if options.table is None and os.path.exists(os.path.join(HERE, "chromium", "chromium")):
        with open(page, encoding="utf-8") as file:
            more = json.load(file)
        table += more
        total += sum(part["seconds"] for part in more)
    if options.total is None:
        options.total = total
    return table


def main() -> int:
    options = arguments()
    table = read_table(options)
    names = [part["name"] for part in table]
    wanted = names if options.parts is None else [name.strip() for name in options.parts.split(",")]
    unknown = [name for name in wanted if name not in names]
    if unknown:
        print("no part is named %s. Choose from: %s." % (unknown[0], ", ".join(names)), file=sys.stderr)
        return 2
    os.makedirs(options.out, exist_ok=True)
    run = Run(options)
    try:
        for part in table:
            # What the device is decides how the others run.
            if part["name"] not in wanted and part is not table[0]:
                continue
            if run.seconds_left() <= 0:
                outcome = "not started: the limit of %g s for all parts was reached" % options.total
                run.parts.append({"name": part["name"], "limit": part["seconds"], "seconds": 0, "outcome": outcome, "results": []})
            else:
                print("%s, %g s at most …" % (part["name"], min(part["seconds"], run.seconds_left())), flush=True)
                measure(run, part)
                for result in run.parts[-1]["results"]:
                    row = "  %s, %s: %s" % (result["what"], result["on"], figure(result))
                    print(row + (" (%s)" % remark(result) if remark(result) else ""), flush=True)
            write_results(run)
    except KeyboardInterrupt:
        write_results(run)
        print("interrupted; what was measured is kept", file=sys.stderr)
        return 130
    print("%s and results.json hold the results." % os.path.join(options.out, "results.md"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
