"""A port that answers probes, in a process with few descriptors: `small_port.py <descriptors>` prints its number."""

import asyncio
import resource
import sys

import uvloop
from aiohttp import web
from clipmill.operations.health import Health
from clipmill.operations.listening import open_port


async def serve():
    application = Health().application()

    async def read(request):
        await request.read()
        return web.Response()

    application.router.add_post("/", read)
    async with open_port("127.0.0.1", 0, application) as port:
        sys.stdout.write(f"{port.number}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


descriptors = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
uvloop.run(serve())
