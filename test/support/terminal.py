#!/usr/bin/python3
"""A terminal for one program: terminal.py COLUMNS ROWS COMMAND...

Runs the command on a pseudo-terminal of its own session and shows what pyte, a terminal emulator, makes of its output.
Reads one JSON object a line, and answers each with one:
  {"do": "look"}                      the screen
  {"do": "type", "text": "..."}       keys
  {"do": "resize", "columns": N, "rows": N}
  {"do": "freeze", "on": true}        the terminal takes no more, as after Ctrl-S on a slow line
  {"do": "hangUp"}                    the terminal is gone
Ends when its stdin does, and the command with it.
"""
import fcntl
import json
import os
import select
import struct
import subprocess
import sys
import termios

import pyte

ALTERNATE_SCREEN = 1049 << 5  # as pyte keeps private modes
NO_WRAP = 7 << 5

columns, rows, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
screen = pyte.Screen(columns, rows)
stream = pyte.ByteStream(screen)
master, slave = os.openpty()


def size(fd, columns, rows):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def modes(fd):
    attributes = termios.tcgetattr(fd)
    return [*attributes[:6], *(byte.hex() if isinstance(byte, bytes) else str(byte) for byte in attributes[6])]


size(slave, columns, rows)
at_start = modes(master)
child = subprocess.Popen(
    command,
    stdin=slave,
    stdout=slave,
    stderr=slave,
    start_new_session=True,
    preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
)
os.close(slave)
frozen = False
ended = False
heard = b""


def look():
    def cell(row):
        return screen.buffer[row][0]

    return {
        "lines": [line.rstrip() for line in screen.display],
        "reversed": [row for row in range(screen.lines) if cell(row).reverse],
        "colours": sorted({c.fg for line in screen.buffer.values() for c in line.values()}),
        "alternate": ALTERNATE_SCREEN in screen.mode,
        "cursorHidden": screen.cursor.hidden,
        "wraps": NO_WRAP in screen.mode,
        "modesAsBefore": master is not None and modes(master) == at_start,
        "raw": master is not None and not modes(master)[3] & termios.ICANON,
        "pid": child.pid,
        "exit": child.poll(),
    }


def obey(order):
    global master, frozen, screen, stream
    what = order["do"]
    if what == "type":
        os.write(master, order["text"].encode())
    elif what == "resize":
        screen.resize(order["rows"], order["columns"])
        size(master, order["columns"], order["rows"])
    elif what == "freeze":
        frozen = order["on"]
    elif what == "hangUp":
        os.close(master)
        master = None
    print(json.dumps(look()), flush=True)


try:
    while True:
        reading = [0] + ([] if frozen or ended or master is None else [master])
        ready = select.select(reading, [], [], 0.5)[0]
        if master in ready:
            try:
                output = os.read(master, 65536)
                stream.feed(output)
            except OSError:  # EIO: nobody has the other side open any more
                ended = True
        if 0 in ready:
            chunk = os.read(0, 65536)
            if not chunk:
                break
            *lines, heard = (heard + chunk).split(b"\n")
            for line in lines:
                obey(json.loads(line))
finally:
    if child.poll() is None:
        child.kill()
    child.wait()
