"""A session that a server has in Redis, for as long as it renews its lease."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from redis import exceptions

from claude_agent_lsp.sessions.sharing.stores import redis_scripts
from claude_agent_lsp.sessions.sharing.stores.store import RELEASE_SECONDS

logger = logging.getLogger(__name__)


class RedisClaim:
    """A lease, renewed three times in its time for as long as it is held."""

    def __init__(
        self, redis: Any, key: str, token: int, lease_seconds: float, began: float
    ) -> None:
        self._redis = redis
        self._key = key
        self._token = token
        self._lease = lease_seconds
        self._until = began + lease_seconds
        self._refused = False
        self._renewing = asyncio.create_task(self._renew())

    @property
    def token(self) -> int:
        """See `Claim`."""
        return self._token

    @property
    def lost(self) -> bool:
        """See `Claim`."""
        return self._refused or time.monotonic() >= self._until

    async def release(self) -> None:
        """See `Claim`."""
        self._renewing.cancel()
        with contextlib.suppress(OSError, exceptions.RedisError):
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._redis.eval(redis_scripts.RENEW, 1, self._key, self._token, 0)

    async def _renew(self) -> None:
        while not self._refused:
            await asyncio.sleep(self._lease / 3)
            asked = time.monotonic()
            try:
                async with asyncio.timeout(self._lease / 3):
                    ours = await self._redis.eval(
                        redis_scripts.RENEW, 1, self._key, self._token, round(self._lease * 1000)
                    )
                if ours:
                    self._until = asked + self._lease
                else:
                    self._refused = True
            except (OSError, exceptions.RedisError) as error:
                logger.debug("The claim of %s could not be renewed: %s", self._key, error)
            except Exception:
                logger.exception("The claim of %s could not be renewed", self._key)
