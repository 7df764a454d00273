"""sf-exchange: what a program that knows Binance spot's REST API gets to see."""

import calendar
import contextlib
import email.utils
import gzip
import http.client
import json
import os
import pathlib
import socket
import ssl
import time
import urllib.error
import urllib.request
from decimal import Decimal

import pytest
from flow import DAY_MS, day_ms
from flow import http as call
from sfproc import ROOT, Proc
from tls_front import make_authority

JUNE = day_ms("2024-06-01")


class Exchange:
    def __init__(self, folder, *args):
        self.proc = Proc("sf-exchange", {}, folder, ["--listen", "127.0.0.1:0", *args])
        self.url = f"http://127.0.0.1:{self.proc.wait_event('listening')['port']}"

    def get(self, path, **params):
        """Decoded body of a 200."""
        status, _, body = self.ask(path, **params)
        assert status == 200, body
        return body

    def ask(self, path, **params):
        """(status, headers, decoded body or text)."""
        query = "&".join(f"{k}={v}" for k, v in params.items())
        req = urllib.request.Request(f"{self.url}/api/v3/{path}{'?' if query else ''}{query}")
        try:
            with urllib.request.urlopen(req, timeout=10) as answer:
                status, headers, raw = answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as e:
            status, headers, raw = e.code, e.headers, e.read()
        try:
            return status, headers, json.loads(raw)
        except ValueError:
            return status, headers, raw.decode()

    def klines(self, interval, begin, end, symbol="BTCUSDT"):
        """All rows of [begin, end), page by page."""
        rows = []
        while True:
            page = self.get("klines", symbol=symbol, interval=interval, startTime=begin,
                            endTime=end - 1, limit=1000)
            rows += page
            if not page:
                return rows
            begin = page[-1][0] + 1
            if begin >= end:
                return rows

    def faults(self, *faults):
        status, answer = call("POST", self.url + "/control/faults", list(faults))
        assert status == 200, answer

    def stats(self):
        return call("GET", self.url + "/control/stats")[1]


@pytest.fixture
def exchange(tmp_path):
    started = []

    def start(*args):
        started.append(Exchange(tmp_path, *args))
        return started[-1]

    yield start
    for e in started:
        e.proc.kill()


@pytest.fixture
def data():
    """The recorded market data, which is no part of the project."""
    folder = pathlib.Path(os.environ.get("SF_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "isda").is_dir():
        pytest.skip(f"no recorded data in {folder} (SF_DATA)")
    return folder


def together(rows):
    """What candles add up to, in the layout of one."""
    sums = {i: str(sum(Decimal(r[i]) for r in rows)) for i in (5, 7, 9, 10)}
    return [rows[0][0], rows[0][1], max((r[2] for r in rows), key=Decimal),
            min((r[3] for r in rows), key=Decimal), rows[-1][4], sums[5], rows[-1][6], sums[7],
            sum(r[8] for r in rows), sums[9], sums[10], "0"]


# ------------------------------------------------------------------------- the market

@pytest.mark.parametrize("big, small", [
    ("1m", "1s"), ("3m", "1m"), ("5m", "1m"), ("15m", "5m"), ("30m", "3m"), ("1h", "1m"), ("2h", "15m"),
    ("4h", "30m"), ("6h", "2h"), ("8h", "1h"), ("12h", "4h"), ("1d", "6h"), ("3d", "8h"), ("1w", "12h"),
    ("1M", "1d")])
@pytest.mark.parametrize("symbol", ["BTCUSDT", "DOGEUSDT", "ETHBTC"])
def test_a_candle_is_the_sum_of_smaller_ones(exchange, big, small, symbol):
    e = exchange("--seed", "5")
    for row in e.get("klines", symbol=symbol, interval=big, startTime=JUNE, limit=3):
        assert together(e.klines(small, row[0], row[6] + 1, symbol)) == row


def test_a_market_is_its_seed(exchange):
    one, same, other = exchange("--seed", "5"), exchange("--seed", "5"), exchange("--seed", "6")
    ask = {"symbol": "ETHUSDT", "interval": "1h", "startTime": JUNE, "limit": 100}
    assert one.get("klines", **ask) == same.get("klines", **ask)
    assert one.get("klines", **ask) != other.get("klines", **ask)
    assert one.get("klines", **ask) != one.get("klines", **{**ask, "symbol": "BTCUSDT"})


def test_rows_have_the_layout_of_the_real_ones(exchange):
    rows = exchange().klines("1m", JUNE, JUNE + DAY_MS)
    assert [r[0] for r in rows] == [JUNE + 60000 * i for i in range(1440)]
    for r in rows:
        assert len(r) == 12 and r[6] == r[0] + 59999 and r[11] == "0" and r[8] > 0
        assert all(isinstance(r[i], str) and len(r[i].split(".")[1]) == 8 for i in (1, 2, 3, 4, 5, 7, 9, 10))
        assert Decimal(r[3]) <= min(Decimal(r[1]), Decimal(r[4])) <= Decimal(r[2])
        assert Decimal(r[2]) >= max(Decimal(r[1]), Decimal(r[4])) and Decimal(r[3]) > 0
        assert 0 <= Decimal(r[9]) <= Decimal(r[5]) and Decimal(r[10]) <= Decimal(r[7])
    assert len({r[1] for r in rows}) > 1000


def test_nothing_before_the_listing_and_nothing_after_now(exchange):
    now = JUNE + 90 * 60000 + 30500
    e = exchange("--now-ms", str(now))
    first = e.get("klines", symbol="BTCUSDT", interval="1d", startTime=0, limit=1)[0]
    assert e.get("klines", symbol="BTCUSDT", interval="1m", endTime=first[0] - 1) == []
    assert e.get("klines", symbol="BTCUSDT", interval="1m", startTime=first[0] - DAY_MS, limit=1)[0][0] == first[0]
    assert e.get("klines", symbol="BTCUSDT", interval="1m", startTime=now + 1) == []
    last = e.get("klines", symbol="BTCUSDT", interval="1m", limit=2)
    assert [r[0] for r in last] == [JUNE + 89 * 60000, JUNE + 90 * 60000]
    assert e.get("time") == {"serverTime": now}


def test_the_running_candle_grows(exchange, tmp_path):
    at = JUNE + 10 * 60000
    seen = []
    for ms in (0, 5000, 30000, 59999):
        e = exchange("--now-ms", str(at + ms), "--seed", "3")
        row = e.get("klines", symbol="BTCUSDT", interval="1m", limit=1)[0]
        assert (row[0], row[6]) == (at, at + 59999)
        seen.append(row)
    final = exchange("--seed", "3").get("klines", symbol="BTCUSDT", interval="1m", startTime=at, limit=1)[0]
    assert [r[8] for r in seen] == sorted(r[8] for r in seen) and seen[0][8] < seen[2][8] < final[8] + 1
    assert seen[-1] == final


def test_windows(exchange):
    e = exchange()

    def times(**more):
        return [r[0] for r in e.get("klines", symbol="BTCUSDT", interval="1m", **more)]

    minutes = [JUNE + 60000 * i for i in range(2000)]
    assert times(startTime=JUNE, endTime=minutes[10]) == minutes[:11]
    assert times(startTime=JUNE + 1, endTime=minutes[10] - 1) == minutes[1:10]
    assert times(startTime=JUNE, endTime=JUNE) == [JUNE]
    assert times(startTime=JUNE) == minutes[:500]
    assert times(startTime=JUNE, limit=5000) == minutes[:1000]
    assert times(startTime=JUNE, endTime=minutes[1999], limit=7) == minutes[:7]
    assert times(endTime=minutes[1999], limit=7) == minutes[1993:]
    assert times(startTime=JUNE * 1000, endTime=minutes[2] * 1000) == minutes[:3]  # microseconds


def test_time_zone_moves_the_boundaries(exchange):
    e = exchange()
    for zone, hours in (("0", 0), ("8", 8), ("-1:00", -1), ("05:45", 5.75)):
        row = e.get("klines", symbol="BTCUSDT", interval="1d", startTime=JUNE, limit=1, timeZone=zone)[0]
        assert (row[0] + hours * 3600000) % DAY_MS == 0
        assert row[6] - row[0] == DAY_MS - 1
        assert together(e.klines("15m", row[0], row[6] + 1)) == row
    for zone in ("15", "-13", "x", "1:60", "1:5", "+"):
        assert e.ask("klines", symbol="BTCUSDT", interval="1d", timeZone=zone)[2]["code"] == -1130


def test_a_thousand_days_come_at_once(exchange):
    e = exchange()
    e.get("klines", symbol="BTCUSDT", interval="1d", limit=1)
    began = time.monotonic()
    assert len(e.get("klines", symbol="BTCUSDT", interval="1d", limit=1000)) == 1000
    assert time.monotonic() - began < 1


# ------------------------------------------------------------------------- questions

@pytest.mark.parametrize("query, status, code, text", [
    ("klines", 400, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
    ("klines?symbol=BTCUSDT", 400, -1102,
     "Mandatory parameter 'interval' was not sent, was empty/null, or malformed."),
    ("klines?symbol=&interval=1m", 400, -1105, "Parameter 'symbol' was empty."),
    ("klines?symbol=btcusdt&interval=1m", 400, -1100,
     "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
    ("klines?symbol=NOPE&interval=1m", 400, -1121, "Invalid symbol."),
    ("klines?symbol=BTCUSDT&interval=1x", 400, -1120, "Invalid interval."),
    ("klines?symbol=BTCUSDT&interval=1D", 400, -1120, "Invalid interval."),
    ("klines?symbol=BTCUSDT&interval=1m&limit=abc", 400, -1100,
     "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."),
    ("klines?symbol=BTCUSDT&interval=1m&limit=-1", 400, -1100, "Illegal"),
    ("klines?symbol=BTCUSDT&interval=1m&limit=0", 400, -1130, "Data sent for parameter 'limit' is not valid."),
    ("klines?symbol=BTCUSDT&interval=1m&startTime=1e3", 400, -1100, "Illegal"),
    ("klines?symbol=BTCUSDT&interval=1m&startTime=1717200000001&endTime=1717200000000", 400, -1128,
     "Combination of optional parameters invalid."),
    ("klines?symbol=BTCUSDT&interval=1m&other=1", 400, -1104,
     "Not all sent parameters were read; read '2' parameter(s) but was sent '3'."),
    ("klines?symbol=BTCUSDT&symbol=ETHUSDT&interval=1m", 400, -1101, "Duplicate values for a parameter detected."),
    ("klines?symbol=%zz&interval=1m", 400, -1100, "Illegal"),
    ("exchangeInfo?symbol=NOPE", 400, -1121, "Invalid symbol."),
    ("exchangeInfo?symbol=BTCUSDT&symbols=%5B%22ETHUSDT%22%5D", 400, -1128, "Combination"),
])
def test_bad_questions(exchange, query, status, code, text):
    got, headers, body = exchange().ask(query)
    assert (got, body["code"]) == (status, code), body
    assert body["msg"].startswith(text)
    assert headers["X-MBX-USED-WEIGHT-1M"]


def test_unknown_path_and_method(exchange):
    e = exchange()
    status, _, body = e.ask("nothing")
    assert (status, body["status"], body["path"]) == (404, 404, "/api/v3/nothing")
    page = urllib.request.Request(e.url + "/api/v3/nothing", headers={"Accept": "text/html, */*"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(page, timeout=10)
    assert (refused.value.code, refused.value.headers["Content-Type"]) == (404, "text/html")
    assert refused.value.read().startswith(b"<html>")
    assert call("POST", e.url + "/api/v3/ping", {})[0] == 405


def test_exchange_info(exchange):
    e = exchange("--weight-limit", "1234")
    info = e.get("exchangeInfo")
    names = [s["symbol"] for s in info["symbols"]]
    assert {"BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"} <= set(names)
    assert all(s["status"] == "TRADING" for s in info["symbols"])
    limits = {r["rateLimitType"]: (r["interval"], r["intervalNum"], r["limit"]) for r in info["rateLimits"]}
    assert limits["REQUEST_WEIGHT"] == ("MINUTE", 1, 1234)
    two = e.get("exchangeInfo", symbols="%5B%22ETHUSDT%22,%22BTCUSDT%22%5D")
    assert [s["symbol"] for s in two["symbols"]] == ["ETHUSDT", "BTCUSDT"]
    one, = e.get("exchangeInfo", symbol="ETHUSDT")["symbols"]
    assert (one["baseAsset"], one["quoteAsset"]) == ("ETH", "USDT")


def test_clock_and_its_offset(exchange):
    e = exchange("--clock-offset-ms", "-3600000")
    before = time.time() - 3600
    _, headers, body = e.ask("time")
    assert abs(body["serverTime"] / 1000 - before) < 5
    assert abs(email.utils.parsedate_to_datetime(headers["Date"]).timestamp() - before) < 5
    e.faults({"kind": "clock", "ms": 3600000})
    assert abs(e.get("time")["serverTime"] / 1000 - before - 3600) < 5


# ------------------------------------------------------------------------- limits

def fresh_minute():
    """Be well inside a window of the limit, so that a test does not cross its end."""
    while time.time() % 60 > 50:
        time.sleep(0.5)


def test_weight_then_429_then_418(exchange):
    fresh_minute()
    e = exchange("--weight-limit", "50")
    assert e.ask("exchangeInfo")[1]["X-MBX-USED-WEIGHT-1M"] == "20"
    assert e.ask("klines", symbol="BTCUSDT", interval="1m", limit=1)[1]["X-MBX-USED-WEIGHT-1M"] == "22"
    assert e.ask("exchangeInfo")[0] == 200
    status, headers, body = e.ask("exchangeInfo")
    assert (status, body["code"]) == (429, -1003)
    assert 1 <= int(headers["Retry-After"]) <= 60
    for _ in range(10):
        status, headers, body = e.ask("ping")
        if status == 418:
            break
    assert (status, body["code"]) == (418, -1003)
    assert 100 <= int(headers["Retry-After"]) <= 120
    until = int(body["msg"].split("banned until ")[1].split(".")[0])
    assert abs(until - (time.time() * 1000 + int(headers["Retry-After"]) * 1000)) < 5000
    stats = e.stats()
    assert stats["429"] == 5 and stats["418"] == 1 and stats["200"] == 3


# ------------------------------------------------------------------------- faults

def test_answers_that_are_faults(exchange):
    e = exchange()
    ask = {"symbol": "BTCUSDT", "interval": "1m", "startTime": JUNE, "limit": 1000}
    good = e.get("klines", **ask)
    e.faults({"kind": "5xx", "count": 1, "path": "/api/v3/klines"}, {"kind": "html", "count": 1, "status": 502},
             {"kind": "429", "count": 1, "retry_after": 7})
    assert e.ask("klines", **ask)[0] == 503
    status, headers, body = e.ask("time")
    assert (status, headers["Content-Type"]) == (502, "text/html") and body.startswith("<html>")
    status, headers, body = e.ask("klines", **ask)
    assert (status, headers["Retry-After"], body["code"]) == (429, "7", -1003)
    assert e.get("klines", **ask) == good
    e.faults({"kind": "cut", "count": 1})
    with pytest.raises(Exception):
        e.ask("klines", **ask)
    e.faults({"kind": "delay", "count": 1, "ms": 300}, {"kind": "slow", "count": 1, "bytes_per_s": 400000})
    began = time.monotonic()
    assert e.get("klines", **ask) == good
    assert time.monotonic() - began > 0.5
    e.faults({"kind": "418", "count": 1, "retry_after": 1})
    assert e.ask("ping")[0] == 418
    assert e.ask("ping")[0] == 418  # the ban holds without the fault
    assert e.stats()["faults"] == 4


def test_missing_and_doubled_rows(exchange):
    e = exchange()
    good = e.klines("1m", JUNE, JUNE + DAY_MS)
    e.faults({"kind": "missing", "symbol": "BTCUSDT", "from": JUNE + 60000, "to": JUNE + 180000})
    assert e.klines("1m", JUNE, JUNE + DAY_MS) == [r for r in good if not JUNE < r[0] <= JUNE + 180000]
    assert len(e.klines("1m", JUNE, JUNE + 600000, "ETHUSDT")) == 10
    e.faults({"kind": "duplicates", "probability": 0.1})
    rows = e.klines("1m", JUNE, JUNE + DAY_MS)
    assert rows == e.klines("1m", JUNE, JUNE + DAY_MS)
    last = {}
    doubled = 0
    for r in rows:
        if r[0] in last:
            doubled += 1
            assert Decimal(last[r[0]][5]) < Decimal(r[5]) and last[r[0]][6] == r[6]
        last[r[0]] = r
    assert 70 < doubled < 220 and list(last.values()) == good
    call("DELETE", e.url + "/control/faults")
    assert e.klines("1m", JUNE, JUNE + DAY_MS) == good


def test_a_row_keeps_its_fate_beside_other_faults(exchange):
    e = exchange()
    e.faults({"kind": "missing", "probability": 0.2}, {"kind": "delay", "ms": 0, "probability": 0.5})
    ask = {"symbol": "BTCUSDT", "interval": "1m", "startTime": JUNE, "endTime": JUNE + 60000 * 499}
    rows = e.get("klines", **ask)
    assert 330 < len(rows) < 470
    for _ in range(5):
        assert e.get("klines", **ask) == rows


@pytest.mark.parametrize("faults", ["{}", "[1]", "[", '[{"kind":"what"}]', '[{"kind":"5xx","probability":2}]',
                                    '[{"kind":"5xx","count":-1}]', '[{"kind":"5xx","colour":"red"}]',
                                    '[{"kind":"5xx","path":1}]', '[{"path":"x"}]'])
def test_bad_faults_are_refused(exchange, faults):
    e = exchange()
    status, body = call("POST", e.url + "/control/faults", faults.encode())
    assert status == 400 and body["error"]
    assert call("GET", e.url + "/control/faults")[1] == []


def test_bad_arguments(tmp_path):
    for args in (["--nothing", "1"], ["--listen", "here"], ["--weight-limit", "0"], ["--seed"],
                 ["--now-ms", "soon"], ["--listen", "127.0.0.1:0", "--cert", "/nowhere.pem"]):
        proc = Proc("sf-exchange", {}, tmp_path, args)
        assert proc.wait(10) in (1, 2)
        assert proc.stderr().strip()


# ------------------------------------------------------------------------- files

def row(open_ms, volume="1.5", last="0"):
    return [open_ms, "10.10", "11.0", "9.000", "10.5", volume, open_ms + 59999, "15.75", 3, "0.5", "5.25", last]


def test_files_in_all_forms(exchange, tmp_path):
    rows = [row(JUNE + 60000 * i) for i in range(1200)]
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "1.json").write_text(json.dumps(rows[:700]))
    (pages / "2.json").write_text(json.dumps(rows[700:], indent=1))
    header = "open_time,open,high,low,close,volume,close_time,quote_volume,count,tbv,tqv,ignore\n"

    def csv(stamp):
        return "".join(",".join(str(stamp(v) if i in (0, 6) else v) for i, v in enumerate(r)) + "\n" for r in rows)

    (tmp_path / "ms.csv").write_text(header + csv(lambda v: v))
    (tmp_path / "us.csv").write_text(csv(lambda v: v * 1000 + (999 if v % 1000 else 0)))
    text = header + csv(lambda v: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(v / 1000)) if v % 1000 == 0 else v)
    (tmp_path / "text.csv.gz").write_bytes(gzip.compress(text.encode()))
    e = exchange("--klines", f"AUSDT:1m:{pages}", f"--klines=DUSDT:1m:{pages}/2.json",
                 f"--klines=DUSDT:1m:{pages}/1.json", "--klines", f"BUSDT:1m:{tmp_path}/ms.csv",
                 "--klines", f"CUSDT:1m:{tmp_path}/us.csv", "--klines", f"BTCUSDT:1m:{tmp_path}/text.csv.gz")
    for symbol in ("AUSDT", "BUSDT", "CUSDT", "DUSDT", "BTCUSDT"):
        assert e.klines("1m", JUNE, JUNE + DAY_MS, symbol) == rows
        assert e.get("klines", symbol=symbol, interval="1m", limit=3) == rows[-3:]
        assert e.get("klines", symbol=symbol, interval="5m") == []
        assert e.get("exchangeInfo", symbol=symbol)["symbols"][0]["quoteAsset"] == "USDT"
    assert {"AUSDT", "BUSDT", "CUSDT"} <= {s["symbol"] for s in e.get("exchangeInfo")["symbols"]}
    assert len(e.get("klines", symbol="ETHUSDT", interval="1m", limit=5)) == 5


def test_rows_stored_twice_stay_together(exchange, tmp_path):
    rows = [row(JUNE + 60000 * i, v) for i in range(10) for v in (("1", "2") if i % 3 == 0 else ("3",))]
    (tmp_path / "page.json").write_text(json.dumps(rows))
    e = exchange("--klines", f"AUSDT:1m:{tmp_path}/page.json")
    assert e.get("klines", symbol="AUSDT", interval="1m", startTime=JUNE) == rows
    for limit in range(2, 12):
        found, begin = [], JUNE
        while True:
            page = e.get("klines", symbol="AUSDT", interval="1m", startTime=begin, limit=limit)
            assert len(page) <= limit
            if not page:
                break
            found += page
            begin = page[-1][0] + 1
        assert found == rows
    e.faults({"kind": "missing", "from": JUNE, "to": JUNE + 60000})
    assert e.get("klines", symbol="AUSDT", interval="1m", startTime=JUNE) == rows[3:]
    e.faults({"kind": "duplicates", "from": JUNE + 120000, "to": JUNE + 120000})
    young = [JUNE + 120000, "10.10", "10.10", "10.10", "10.10", "0.00000000", JUNE + 179999, "0.00000000", 0,
             "0.00000000", "0.00000000", "0"]
    assert e.get("klines", symbol="AUSDT", interval="1m", startTime=JUNE) == rows[:3] + [young] + rows[3:]


@pytest.mark.parametrize("content", [
    "[[1,2]]", "{}", "[", json.dumps([row(JUNE)[:11]]), json.dumps([row(JUNE) + [1]]), json.dumps([row(JUNE, "1e5")]),
    "a,b,c\n1,2,3\n", "1.70027E+12,1,1,1,1,1,1.70027E+12,1,1,1,1,0\n"])
def test_bad_files_are_refused(tmp_path, content):
    (tmp_path / "bad").write_text(content)
    proc = Proc("sf-exchange", {}, tmp_path, ["--listen", "127.0.0.1:0", "--klines", f"AUSDT:1m:{tmp_path}/bad"])
    assert proc.wait(10) == 2
    assert str(tmp_path / "bad") in proc.stderr()


@pytest.mark.parametrize("spec", ["", "AUSDT", "AUSDT:1m", "AUSDT:7m:/tmp", "AUSDT:1m:/nowhere/at/all"])
def test_bad_specs_are_refused(tmp_path, spec):
    proc = Proc("sf-exchange", {}, tmp_path, ["--listen", "127.0.0.1:0", "--klines", spec])
    assert proc.wait(10) == 2
    assert "--klines" in proc.stderr()


def test_recorded_files(exchange, data):
    spot, isda = data / "spot1m-12field", data / "isda" / "FILUSDT-1m-2023-08.csv.gz"
    e = exchange("--klines", f"BTCUSDT:1m:{spot}/SPM_Project-BTCUSDT-1m-data.csv.gz", "--klines", f"FILUSDT:1m:{isda}",
                 "--klines", f"XUSDT:1m:{data}/bbgo/BTCUSDT-1m-2026-09-15.csv", "--weight-limit", "100000")
    with gzip.open(isda, "rt") as f:
        want = [line.strip().split(",") for line in f][1:]
    rows = e.klines("1m", int(want[0][0]), int(want[-1][0]) + 1, "FILUSDT")
    assert [[str(v) for v in r] for r in rows] == want
    with gzip.open(spot / "SPM_Project-BTCUSDT-1m-data.csv.gz", "rt") as f:
        want = [line.strip().split(",") for line in f][1:]
    begin = calendar.timegm(time.strptime(want[0][0], "%Y-%m-%d %H:%M:%S")) * 1000
    rows = e.klines("1m", begin, begin + 3000 * DAY_MS, "BTCUSDT")
    assert sorted(tuple(str(v) for v in r[1:11]) for r in rows) == sorted(tuple(w[1:11]) for w in want)
    assert len(rows) > len({r[0] for r in rows})  # minutes stored two or three times
    assert e.get("klines", symbol="XUSDT", interval="1m", startTime=1789430400000, limit=1) == [
        [1789430400000, "78189.20000000", "78200.23000000", "78176.65000000", "78199.66000000", "3.48107000",
         1789430459999, "272165.78776570", 1076, "1.44229000", "112765.69532040", "0"]]


# ------------------------------------------------------------------------- trades, book

@pytest.mark.parametrize("symbol", ["BTCUSDT", "XRPUSDT"])
def test_trades_are_what_candles_are_made_of(exchange, symbol):
    e = exchange("--weight-limit", "100000")
    for open_ms in (JUNE + 7 * 60000, JUNE + DAY_MS - 60000):
        want, = e.get("klines", symbol=symbol, interval="1m", startTime=open_ms, limit=1)
        aggs = e.get("aggTrades", symbol=symbol, startTime=open_ms, endTime=open_ms + 59999, limit=1000)
        assert len(aggs) < 1000
        trades = e.get("historicalTrades", symbol=symbol, fromId=aggs[0]["f"], limit=1000)
        trades = [t for t in trades if t["time"] < open_ms + 60000]
        assert [t["id"] for t in trades] == list(range(aggs[0]["f"], aggs[-1]["l"] + 1))
        assert [t["time"] for t in trades] == sorted(t["time"] for t in trades)
        prices = [Decimal(t["price"]) for t in trades]
        assert [Decimal(want[i]) for i in (1, 2, 3, 4)] == [prices[0], max(prices), min(prices), prices[-1]]
        assert Decimal(want[5]) == sum(Decimal(t["qty"]) for t in trades)
        assert Decimal(want[7]) == sum(Decimal(t["quoteQty"]) for t in trades)
        assert all(Decimal(t["quoteQty"]) == Decimal(t["qty"]) * Decimal(t["price"]) for t in trades)
        assert want[8] == len(trades)
        bought = [t for t in trades if not t["isBuyerMaker"]]
        assert Decimal(want[9]) == sum(Decimal(t["qty"]) for t in bought)
        assert Decimal(want[10]) == sum(Decimal(t["quoteQty"]) for t in bought)
        by_id = {t["id"]: t for t in trades}
        assert any(a["l"] > a["f"] for a in aggs)
        for a in aggs:
            parts = [by_id[i] for i in range(a["f"], a["l"] + 1)]
            assert {(t["price"], t["time"], t["isBuyerMaker"]) for t in parts} == {(a["p"], a["T"], a["m"])}
            assert Decimal(a["q"]) == sum(Decimal(t["qty"]) for t in parts)


def test_paging_by_id_meets_every_trade(exchange):
    e = exchange("--weight-limit", "100000")
    aggs, at = [], e.get("aggTrades", symbol="BTCUSDT", startTime=JUNE - 20000, limit=1)[0]["a"]
    for limit in (1, 7, 100, 1000, 1000):
        page = e.get("aggTrades", symbol="BTCUSDT", fromId=at, limit=limit)
        assert len(page) == limit
        aggs += page
        at = page[-1]["a"] + 1
    for before, after in zip(aggs, aggs[1:]):
        assert after["a"] == before["a"] + 1 and after["f"] == before["l"] + 1 and after["T"] >= before["T"]
    first = e.get("historicalTrades", symbol="BTCUSDT", fromId=0, limit=3)
    assert [t["id"] for t in first] == [0, 1, 2]
    assert e.get("aggTrades", symbol="BTCUSDT", fromId=0, limit=1)[0]["f"] == 0
    assert e.get("aggTrades", symbol="BTCUSDT", fromId=10 ** 15) == []


def test_newest_trades_end_now(exchange):
    now = JUNE + 12345
    e = exchange("--now-ms", str(now), "--weight-limit", "100000")
    newest = e.get("trades", symbol="BTCUSDT", limit=1000)
    assert len(newest) == 1000 and newest[-1]["time"] <= now
    assert newest == e.get("historicalTrades", symbol="BTCUSDT", limit=1000)
    assert e.get("historicalTrades", symbol="BTCUSDT", fromId=newest[-1]["id"] + 1) == []
    assert e.get("historicalTrades", symbol="BTCUSDT", fromId=newest[0]["id"], limit=1000) == newest
    aggs = e.get("aggTrades", symbol="BTCUSDT", limit=3)
    assert aggs[-1]["l"] == newest[-1]["id"]
    assert e.get("aggTrades", symbol="BTCUSDT", endTime=now, limit=3) == aggs
    assert e.get("aggTrades", symbol="BTCUSDT", endTime=aggs[-1]["T"] - 1, limit=1)[0]["a"] < aggs[-1]["a"]
    assert e.ask("aggTrades", symbol="BTCUSDT", fromId=1, startTime=now)[2]["code"] == -1128
    assert e.ask("trades", symbol="BTCUSDT", fromId=1)[2]["code"] == -1104


def test_depth(exchange):
    e = exchange("--now-ms", str(JUNE + 50), "--weight-limit", "100000")
    last = e.get("trades", symbol="BTCUSDT", limit=1)[0]
    for limit, rows, weight in ((None, 100, 5), (5, 5, 5), (101, 101, 25), (1000, 1000, 50), (9999, 5000, 250)):
        before = e.stats()["weight"]
        book = e.get("depth", symbol="BTCUSDT", **({} if limit is None else {"limit": limit}))
        assert e.stats()["weight"] - before == weight
        assert (len(book["bids"]), len(book["asks"])) == (rows, rows)
        bids, asks = [[Decimal(p) for p, _ in book[side]] for side in ("bids", "asks")]
        assert bids == sorted(set(bids), reverse=True) and asks == sorted(set(asks)) and bids[0] < asks[0]
        assert abs(bids[0] - Decimal(last["price"])) < 100
        assert all(Decimal(q) > 0 for _, q in book["bids"] + book["asks"])
    later = exchange("--now-ms", str(JUNE + 150)).get("depth", symbol="BTCUSDT")
    assert 0 < later["lastUpdateId"] - book["lastUpdateId"] < 200  # ids of one step
    assert e.ask("depth", symbol="BTCUSDT", symbolStatus="HALT")[2]["code"] == -1220
    assert e.ask("depth", symbol="BTCUSDT", symbolStatus="x")[2]["code"] == -1122


# ------------------------------------------------------------------------- HTTPS

def test_https(exchange, tmp_path):
    make_authority(tmp_path, ["localhost"])
    e = exchange("--cert", str(tmp_path / "server.pem"), "--key", str(tmp_path / "server.key"))
    port = int(e.url.rsplit(":", 1)[1])
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    plain = exchange()
    ask = f"/api/v3/klines?symbol=BTCUSDT&interval=1m&startTime={JUNE}&limit=1000"
    want = call("GET", plain.url + ask)[1]
    connection = http.client.HTTPSConnection("localhost", port, context=context, timeout=10)
    for _ in range(20):  # one connection
        connection.request("GET", ask)
        assert json.loads(connection.getresponse().read()) == want
    connection.request("POST", "/control/faults", body=b" " * 900000 + b"[]")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"[]")
    connection.request("POST", "/control/faults", body=b" " * 2000000)
    with contextlib.suppress(OSError):  # the answer may be lost when the body is refused midway
        assert connection.getresponse().status == 413
    connection.close()
    untrusted = http.client.HTTPSConnection("localhost", port, timeout=10)
    with pytest.raises(ssl.SSLError):
        untrusted.request("GET", ask)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not s.recv(100).startswith(b"HTTP")
    connection.request("GET", ask)
    assert json.loads(connection.getresponse().read()) == want


def test_wrong_certificate_is_one_line(tmp_path):
    make_authority(tmp_path, ["localhost"])
    for cert, key in (("ca.pem", "server.key"), ("nothing.pem", "server.key"), ("server.crt", "ca.pem"),
                      ("server.pem", None)):
        args = ["--listen", "127.0.0.1:0", "--cert", str(tmp_path / cert)]
        proc = Proc("sf-exchange", {}, tmp_path, args + (["--key", str(tmp_path / key)] if key else []))
        assert proc.wait(10) == 1
        error, = proc.events("failed")
        assert error["text"].startswith("TLS")
