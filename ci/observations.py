"""What recordings say that chance and the clock have no part in: for scripts that hold one run against another."""
import hashlib
import json
import pathlib
import re

TIME_OF_DAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, [A-Z][a-z]{2,8} \d+, \d{4} \d\d:\d\d:\d\d-UTC"


def size_of(part):
    """The octets of one part of a content."""
    if "bytes" in part:
        return part["bytes"]
    if "hex" in part:
        return len(part["hex"]) // 2
    if "repeat" in part:
        return size_of({"text": part["repeat"]}) * part.get("times", 1)
    return len(part.get("text", "").encode("utf-8", "surrogateescape"))


class Octets:
    """What went one way on a connection, whatever its pieces were."""

    def __init__(self):
        self.pieces = []  # of hex or text: a list of strings that follow each other, for a hundred thousand of them are joined once

    def add(self, content):
        for part in content:
            last = self.pieces[-1] if self.pieces else {}
            follows = "pattern" in part and part["pattern"] == last.get("pattern") and part["from"] == last["from"] + last["bytes"]
            plain = next((key for key in ("hex", "text") if set(part) == {key}), None)
            if follows:
                last["bytes"] += part["bytes"]
            elif plain and set(last) == {plain}:
                last[plain].append(part[plain])
            else:
                self.pieces.append({plain: [part[plain]]} if plain else dict(part))

    @property
    def parts(self):
        return [{key: "".join(value) if isinstance(value, list) else value for key, value in piece.items()}
                for piece in self.pieces]

    def words(self, speaks):
        """The octets, or where they say it as well, how many: what they must be, the judge has seen."""
        parts = self.parts
        size = sum(size_of(part) for part in parts)
        if speaks == "daytime" and not re.search(TIME_OF_DAY, json.dumps(parts)):
            return "a part of the time"  # days have names of different lengths
        if speaks == "time" or any("pattern" in part for part in parts):
            return f"{size} octets"
        text = re.sub(TIME_OF_DAY, "TIME", json.dumps(parts, sort_keys=True))
        return text if len(text) < 200 else f"{text[:200]}... ({len(text)}, {hashlib.sha256(text.encode()).hexdigest()[:8]})"


def observations(file, speaks):
    """What happened to each client, in its order, and to the server; nothing that chance or the clock decides."""
    seen = {}
    octets = {}
    blocked = set()

    def flush(who):
        for way in ("sent", "received"):
            gone = octets.pop((who, way), None)
            if gone is not None and who not in blocked:
                seen.setdefault(who, []).append(f"{way} {gone.words(speaks)}")

    is_repeat = False  # what the server held made the harness play the case again, to see whether it grows
    for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines()[1:]:
        event = json.loads(line)
        kind, who = event.get("kind"), event.get("who", "")
        if kind == "case-began" or (kind == "sampled" and event.get("text") == "after"):
            is_repeat = kind == "sampled"
        if event.get("lane") == "client":
            if is_repeat:
                continue
            if kind == "received" and speaks == "chargen":
                continue  # how much of what never ends is chance
            if kind in ("sent", "received"):
                octets.setdefault((who, kind), Octets()).add(event.get("content", []))
                continue
            if kind == "blocked":
                blocked.add(who)
            flush(who)
            words = [kind]
            if kind in ("ended", "shut-down", "closed", "connect-failed", "ran"):
                words.append(event.get("text", ""))
            if "error" in event:
                words.append(str(event["error"]))
            seen.setdefault(who, []).append(" ".join(words))
        elif event.get("lane") == "server" and kind in ("exited", "not-listening", "signalled", "left-over"):
            text = re.sub(r"\b\d+ \(", "(", event.get("text", "")) if kind == "left-over" else event.get("text", "")
            seen.setdefault(who, []).append(f"{kind} {text}")
    for who in {who for who, _ in octets}:
        flush(who)
    return seen
