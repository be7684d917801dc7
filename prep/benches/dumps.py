#!/usr/bin/env python3
"""A large dump out of small ones: dumps.py FOLDER MEGABYTES DUMP...

Writes FOLDER/dump.xml of that size, the pages of all DUMPs over and over with titles and numbers of their own, and the same as one bzip2
stream (dump.xml.bz2) and as Wikipedia gives them out (multistream.xml.bz2, a hundred pages a stream, with multistream-index.txt.bz2).
"""

import bz2
import lzma
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

PAGES_A_STREAM = 100


def read(path: str) -> str:
    """The dump's text; one that is cut off gives what there is."""
    data = Path(path).read_bytes()
    decoder = {"bz2": bz2.BZ2Decompressor, "xz": lzma.LZMADecompressor}.get(path.rsplit(".", 1)[-1])
    return (decoder().decompress(data) if decoder else data).decode("utf-8", "ignore")


def copy(page: str, number: int) -> bytes:
    if number:
        page = page.replace("</title>", f" (copy {number})</title>", 1)
        page = re.sub(r"<id>(\d+)</id>", lambda found: f"<id>{int(found[1]) + number * 100_000_000}</id>", page, count=1)
    return f"  {page}\n".encode()


def main(folder: Path, size: int, sources: list[str]) -> None:
    texts = [read(source) for source in sources]
    head = texts[0][: texts[0].index("<page>")].rstrip() + "\n"
    pages = [page for text in texts for page in re.findall(r"<page>.*?</page>", text, re.S)]
    folder.mkdir(parents=True, exist_ok=True)
    streams: list[bytes] = []
    titles: list[list[bytes]] = []
    written, number = 0, 0
    while written < size:
        for page in (copy(page, number) for page in pages):
            if not titles or len(titles[-1]) == PAGES_A_STREAM:
                streams.append(b"")
                titles.append([])
            streams[-1] += page
            id, title = re.search(rb"<id>(\d+)</id>", page), re.search(rb"<title>(.*?)</title>", page)
            titles[-1].append(id[1] + b":" + title[1])
            written += len(page)
        number += 1
    parts = [head.encode(), *streams, b"</mediawiki>\n"]
    single = bz2.BZ2Compressor()
    with open(folder / "dump.xml", "wb") as xml, open(folder / "dump.xml.bz2", "wb") as packed:
        for part in parts:
            xml.write(part)
            packed.write(single.compress(part))
        packed.write(single.flush())
    index = []
    with open(folder / "multistream.xml.bz2", "wb") as packed, ProcessPoolExecutor() as pool:
        for stream, part in enumerate(pool.map(bz2.compress, parts, chunksize=4)):
            if 0 < stream <= len(titles):
                index += [b"%d:%s\n" % (packed.tell(), title) for title in titles[stream - 1]]
            packed.write(part)
    (folder / "multistream-index.txt.bz2").write_bytes(bz2.compress(b"".join(index)))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) * 1_000_000, sys.argv[3:])
