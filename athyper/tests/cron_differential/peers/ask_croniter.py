# Reads one case a line (expression, zone, windows) and writes its ticks, or why it was refused.
import json
import re
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, CroniterError, croniter


def dialect(expression):
    # The last Friday is `L5` here, and `5L` elsewhere.
    return re.sub(r"(\d)L$", r"L\1", expression)


def ticks(case):
    zone = ZoneInfo(case["zone"])
    found = []
    for start, end in case["windows"]:
        window = []
        schedule = croniter(dialect(case["expression"]), datetime.fromtimestamp(start, zone), ret_type=float)
        try:
            while (tick := int(schedule.get_next())) <= end:
                window.append(tick)
        except CroniterBadDateError:
            pass
        found.append(window)
    return {"ticks": found}


for line in sys.stdin:
    try:
        answer = ticks(json.loads(line))
    except (CroniterError, ValueError) as error:
        answer = {"refused": str(error)}
    print(json.dumps(answer), flush=True)
