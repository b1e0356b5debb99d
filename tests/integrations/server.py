"""A server in a process of its own: `python -m tests.integrations.server`, the socket's number."""

import socket
import sys

import uvicorn

from tests.integrations.app import app

listener = socket.socket(fileno=int(sys.argv[1]))
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])
