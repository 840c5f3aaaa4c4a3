"""A network between the edge and the collector that is as far, slow and bad as it is told to be."""
import asyncio
import random
import threading

PIECE = 16384


class Link:
    """A TCP proxy. Of each connection, at most `window` bytes are on their way, as a TCP window has it; a piece that is
    lost comes `again_s` later, and everything behind it waits."""

    def __init__(self, target, delay_s=0.0, jitter_s=0.0, loss=0.0, again_s=0.2, window=1 << 20, rate=None, seed=1):
        self.host, port = target.removeprefix("tcp://").rsplit(":", 1)
        self.port = int(port)
        self.delay_s, self.jitter_s, self.loss, self.again_s = delay_s, jitter_s, loss, again_s
        self.window, self.rate = window, rate
        self.random = random.Random(seed)
        self.open = self.lost = self.cuts = 0
        self.transports = set()
        self.flows = None
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait()

    def run(self, ready):
        asyncio.set_event_loop(self.loop)
        self.flows = asyncio.Event()
        self.flows.set()
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        self.loop.run_forever()
        server.close()

    def call(self, function):
        async def inside():
            function()
        asyncio.run_coroutine_threadsafe(inside(), self.loop).result()

    def cut(self):
        """Every connection breaks, and what was on its way is gone."""
        def abort():
            self.cuts += bool(self.transports)
            for transport in list(self.transports):
                transport.abort()
        self.call(abort)

    def stall(self):
        """Nothing gets through any more, and nobody is told."""
        self.call(self.flows.clear)

    def flow(self):
        self.call(self.flows.set)

    def overhear(self, piece):
        """Nobody does, here."""

    def close(self):
        self.cut()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    async def serve(self, reader, writer):
        self.transports.add(writer.transport)
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            writer.transport.abort()
            self.transports.discard(writer.transport)
            return
        self.transports.add(far_writer.transport)
        self.open += 1
        flows = [asyncio.ensure_future(self.carry(reader, far_writer)),
                 asyncio.ensure_future(self.carry(far_reader, writer))]
        await asyncio.wait(flows, return_when=asyncio.FIRST_COMPLETED)
        for flow in flows:
            flow.cancel()
        await asyncio.gather(*flows, return_exceptions=True)
        for w in (writer, far_writer):
            w.transport.abort()
            self.transports.discard(w.transport)

    async def carry(self, reader, writer):
        """Pieces keep their order; each arrives after the delay, and its room is free again after one more."""
        queue, room, due = asyncio.Queue(), [self.window], [0.0]
        freed = asyncio.Event()

        async def deliver():
            while True:
                at, piece = await queue.get()
                await asyncio.sleep(at - self.loop.time())
                await self.flows.wait()
                writer.write(piece)
                await writer.drain()

                def free(n=len(piece)):
                    room[0] += n
                    freed.set()
                self.loop.call_later(self.delay_s, free)

        delivery = asyncio.ensure_future(deliver())
        try:
            while not delivery.done():
                while room[0] <= 0:
                    freed.clear()
                    await freed.wait()
                piece = await reader.read(PIECE)
                if not piece:
                    return
                self.overhear(piece)
                room[0] -= len(piece)
                at = self.loop.time() + self.delay_s + self.random.uniform(0, self.jitter_s)
                if self.loss and self.random.random() < self.loss:
                    self.lost += 1
                    at += self.again_s
                if self.rate:
                    at = max(at, due[0] + len(piece) / self.rate)
                due[0] = max(due[0], at)
                queue.put_nowait((due[0], piece))
        except OSError:
            pass
        finally:
            delivery.cancel()
