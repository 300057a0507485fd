"""Work that is done at once, and then at most every so often."""

import asyncio

from nomdecode.lever.receiving.pace import Pace


def test_who_wakes_it_while_it_works_or_rests_is_not_forgotten() -> None:
    done: list[str] = []
    waiting, worked = ["first"], asyncio.Queue[None]()

    async def work() -> None:
        some, waiting[:] = list(waiting), []
        await asyncio.sleep(0)
        done.extend(some)
        worked.put_nowait(None)

    async def wakes() -> None:
        pace = Pace(0.01, work)
        pace.wake()
        await asyncio.sleep(0)
        for word in ("while it works", "while it rests"):
            waiting.append(word)
            pace.wake()
            async with asyncio.timeout(20):
                while word not in done:
                    await worked.get()

    asyncio.run(wakes())
    assert done == ["first", "while it works", "while it rests"]
