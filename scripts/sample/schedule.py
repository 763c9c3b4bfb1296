"""The recording's timetable, shared by server and clients: calm first, then three incidents.

Seconds since the start. The calm stretch is long enough for a baseline of ten-second windows with
a warm-up of a dozen of them; every incident lasts longer than four windows.
"""

import time

#: Nothing unusual until here.
CALM_UNTIL = 210
#: POST /v2/orders fails: the payment provider is down.
ERRORS = (210, 255)
#: GET /v2/products answers slowly: the search index is being rebuilt.
SLOW = (275, 320)
#: The partner "globex" fetches orders thirty times as fast as usual.
SPIKE = (335, 380)
#: The end of the recording.
END = 395


class Timetable:
    """Where the recording stands; both sides are given the same start."""

    def __init__(self, start, scale=1.0):
        self.start = start
        self.scale = scale

    def now(self):
        """Seconds of the timetable since the start (a trial run may be scaled)."""
        return (time.time() - self.start) * self.scale

    def during(self, span):
        """Whether the time is inside a span."""
        return span[0] <= self.now() < span[1]

    def over(self):
        """Whether the recording has ended."""
        return self.now() >= END
