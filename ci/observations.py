"""What recordings say that chance and the clock have no part in: for scripts that hold one run against another."""
import hashlib
import json
import pathlib
import re

TIME_OF_DAY = r"\w+day, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC"


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
        self.parts = []

    def add(self, content):
        for part in content:
            last = self.parts[-1] if self.parts else {}
            follows = "pattern" in part and part["pattern"] == last.get("pattern") and part["from"] == last["from"] + last["bytes"]
            if follows:
                last["bytes"] += part["bytes"]
            elif "hex" in part and set(last) == {"hex"}:
                last["hex"] += part["hex"]
            elif set(part) == {"text"} and set(last) == {"text"}:
                last["text"] += part["text"]
            else:
                self.parts.append(dict(part))

    def words(self, speaks):
        """The octets, or where they say it as well, how many: what they must be, the judge has seen."""
        size = sum(size_of(part) for part in self.parts)
        if speaks == "time" or any("pattern" in part for part in self.parts):
            return f"{size} octets"
        text = re.sub(TIME_OF_DAY, "TIME", json.dumps(self.parts, sort_keys=True))
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

    for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines()[1:]:
        event = json.loads(line)
        kind, who = event.get("kind"), event.get("who", "")
        if event.get("lane") == "client":
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
