"""A tape's submissions to the raw topics of a broker."""

from collections.abc import Callable
from datetime import datetime, timedelta

from connectors.ends.kafka import Sender
from connectors.ends.messages import FLUSH, Out, raw_headers
from connectors.ends.tape import Tape
from connectors.vault import INLINE_LIMIT


def publish(
    tape: Tape,
    servers: str,
    prefix: str = "raw.",
    speed: float | None = None,
    wait: Callable[[float], None] | None = None,
    store: Callable[[bytes], object] | None = None,
    slack: timedelta = timedelta(minutes=10),
) -> int:
    """Send a tape's submissions to `<prefix><feed>` in order, then a flush marker to each.

    What a topic holds already is not sent again, so a publication that was interrupted is gone on
    with. Nobody else may write to these topics.

    Args:
        tape: What to send.
        servers: Broker addresses, such as "127.0.0.1:19092".
        prefix: In front of the feed's name.
        speed: How many times faster than it was received; None sends without waiting.
        wait: Sleeps so many seconds; needed with `speed`.
        store: Takes a body above 512 KiB into the vault; its message then carries no body.
        slack: When a submission is there, so is every one received so much before it.

    Returns:
        How many submissions were sent. All of them are acknowledged when this returns.
    """
    sender = Sender(servers)
    try:
        held = sender.held([prefix + feed for feed in tape.manifest["feeds"]])
        sent = 0
        newest: datetime | None = None
        flushed: datetime | None = None
        for number in range(len(tape.segments())):
            for row in tape.read(number).to_pylist():
                topic, received = prefix + row["feed"], row["received_at"]
                if held[topic]:
                    held[topic] -= 1
                    newest = received
                    continue
                if speed and wait and newest is not None and received > newest:
                    sender.acknowledged()
                    wait((received - newest).total_seconds() / speed)
                newest = received
                if flushed is None or received - flushed > slack / 2:
                    sender.acknowledged()
                    flushed = received
                body = row["body"]
                if len(body) > INLINE_LIMIT and store is not None:
                    store(body)
                    body = None
                out = Out(row["submitter"].encode(), body, _ms(received))
                sender.send(topic, out, raw_headers(row))
                sent += 1
        sender.acknowledged()
        if newest is not None:
            headers = [("kind", FLUSH.encode()), ("received_at", newest.isoformat().encode())]
            for topic in sorted(topic for topic, count in held.items() if not count):
                # a message without a value needs a key
                sender.send(topic, Out(FLUSH.encode(), None, _ms(newest)), headers)
        sender.acknowledged()
    finally:
        sender.close()
    return sent


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000)
