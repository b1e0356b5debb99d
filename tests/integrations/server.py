"""A server in a process of its own: `python -m tests.integrations.server`, the socket's number."""

import socket
import sys

import uvicorn

from tests.integrations.app import app
from tests.loops import chosen

listener = socket.socket(fileno=int(sys.argv[1]))
uvicorn.Server(uvicorn.Config(app, log_level="warning", loop=chosen())).run([listener])
