"""As much of curl as README.md, docs/api.md and examples/README.md use, for machines without it."""

import sys
import urllib.error
import urllib.request


def main(words: list[str]) -> None:
    method, headers, body, shown, url = None, {}, None, "", ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            headers.update([words.pop(0).split(": ", 1)])
        elif word == "-d":
            body = _content(words.pop(0))
        elif word == "-w":
            shown = words.pop(0).replace("\\n", "\n")
        elif word.startswith("http"):
            url = word
        elif word != "-sS":
            sys.exit(f"there is no {word} here")
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers, method=method))
    except urllib.error.HTTPError as refusal:
        answer = refusal
    sys.stdout.write(answer.read().decode() + shown.replace("%{http_code}", str(answer.status)))


def _content(text: str) -> bytes:
    if not text.startswith("@"):
        return text.encode()
    with open(text[1:], "rb") as file:
        return file.read()


if __name__ == "__main__":
    main(sys.argv[1:])
