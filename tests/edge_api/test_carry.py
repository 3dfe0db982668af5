"""What leaves on a stick arrives whole, once, signed by someone we trust, or says why not."""

import io
from concurrent.futures import Future

import pytest

from edge_api.carry import export, name_of, take_in, waiting_heads
from edge_api.exchange import MAGIC, ExchangeError, Place, Signer, read_blocks
from edge_api.ingest.body import gunzip
from edge_api.lineprotocol import parse
from edge_api.lines import join_lines
from gateway.spool import EVENTS, READINGS, Outbox, Segment, Spool, span_of

TAGS = "asset=bin-{n},commune=18562,domain=waste,province=42"
LINE = "WasteContainer," + TAGS + ' gw="gw-01",ep="aa",seq={n}i,q="good" {t}'


def line(number):
    return LINE.format(n=number, t=1_790_000_000_000_000_000 + number).encode()


@pytest.fixture
def commune(tmp_path):
    spool = Spool(tmp_path / "commune.db", keep_s=0)
    for first in range(1, 2001, 4):
        lines = [line(number) for number in range(first, first + 4)]
        span = span_of(("gw-01", "aa", number) for number in range(first, first + 4))
        spool.append([Segment(EVENTS if first % 100 == 1 else READINGS, 4, span, join_lines(lines), 1, 2)])
    yield spool
    spool.close()


@pytest.fixture
def signer(tmp_path):
    return Signer.create(tmp_path / "key.pem")


def place_of(spool):
    return Place("commune", "42", "18562", name_of(spool))


def receipt_of(imported):
    return bytes.fromhex(imported.receipt)


class Province:
    """Commits at once, and remembers."""

    def __init__(self):
        self.lines = []
        self.full = False

    def submit(self, batch):
        done = Future()
        if self.full:
            done.set_exception(OSError("full"))
        else:
            self.lines += gunzip(batch.body_gzip, 10_000_000).splitlines()
            done.set_result(None)
        return done


def test_an_export_holds_all_that_waits_and_import_commits_it(commune, signer):
    outbox = Outbox(commune, "province")
    file = b"".join(export(outbox, signer, place_of(commune)))
    province = Province()
    result = take_in(io.BytesIO(file), [signer.public], province.submit, [], place_of(commune), None)
    assert result.problem is None
    assert result.points == 2000
    assert sorted(province.lines) == sorted(line(number) for number in range(1, 2001))
    assert outbox.waiting[READINGS].points + outbox.waiting[EVENTS].points == 2000


def test_a_file_taken_in_twice_submits_the_same_bodies_so_that_identity_makes_it_once(commune, signer):
    file = b"".join(export(Outbox(commune, "province"), signer, place_of(commune)))
    province = Province()
    for _ in range(2):
        take_in(io.BytesIO(file), [signer.public], province.submit, [], place_of(commune), None)
    assert len(province.lines) == 4000
    assert len({(p.measurement, p.ts_ns, p.fields["seq"]) for p in parse(b"\n".join(province.lines))}) == 2000


def test_a_receipt_lets_the_exporter_go_of_just_what_was_taken_in(commune, signer, tmp_path):
    outbox = Outbox(commune, "province")
    file = b"".join(export(outbox, signer, place_of(commune)))
    commune.append([Segment(READINGS, 1, "", join_lines([line(2001)]), 1, 2)])
    there = Signer.create(tmp_path / "province.pem")
    province = Province()
    taken = take_in(io.BytesIO(file), [signer.public], province.submit, [], place_of(commune), there)
    back = take_in(io.BytesIO(receipt_of(taken)), [there.public], None, [outbox], place_of(commune), None)
    assert (back.problem, back.released) == (None, 2000)
    assert [head.id for head in waiting_heads(outbox)] == [501]
    again = take_in(io.BytesIO(receipt_of(taken)), [there.public], None, [outbox], place_of(commune), None)
    assert again.released == 0


def test_a_receipt_for_another_spool_file_frees_nothing(commune, signer, tmp_path):
    file = b"".join(export(Outbox(commune, "province"), signer, place_of(commune)))
    taken = take_in(io.BytesIO(file), [signer.public], Province().submit, [], place_of(commune), signer)
    replaced = Spool(tmp_path / "new.db")
    replaced.append([Segment(READINGS, 1, "", b"x")])
    outbox = Outbox(replaced, "province")
    back = take_in(io.BytesIO(receipt_of(taken)), [signer.public], None, [outbox], place_of(replaced), None)
    assert "not for the one of this edge" in back.problem
    assert outbox.waiting[READINGS].points == 1
    replaced.close()


def test_a_strangers_signature_is_refused_by_name_and_nothing_is_taken_in(commune, signer, tmp_path):
    file = b"".join(export(Outbox(commune, "province"), signer, place_of(commune)))
    other = Signer.create(tmp_path / "other.pem")
    province = Province()
    result = take_in(io.BytesIO(file), [other.public], province.submit, [], place_of(commune), None)
    assert signer.public in result.problem
    assert "[[trust]]" in result.problem
    assert not province.lines


def test_a_file_cut_short_gives_its_whole_blocks_and_says_where_it_ends(commune, signer, monkeypatch):
    monkeypatch.setattr("edge_api.carry.BLOCK_BYTES", 5_000)
    blocks = list(export(Outbox(commune, "province"), signer, place_of(commune)))
    assert len(blocks) > 3
    file = b"".join(blocks)[: -len(blocks[-1]) // 2]
    province = Province()
    result = take_in(io.BytesIO(file), [signer.public], province.submit, [], place_of(commune), None)
    assert result.blocks == len(blocks) - 1
    assert f"block {len(blocks)}: the file ends in the middle" in result.problem
    rest = take_in(
        io.BytesIO(b"".join(blocks)), [signer.public], province.submit, [], place_of(commune), None
    )
    assert rest.problem is None
    assert {*province.lines} == {line(number) for number in range(1, 2001)}


@pytest.mark.slow
def test_any_byte_changed_anywhere_is_noticed(commune, signer):
    block = next(export(Outbox(commune, "province"), signer, place_of(commune)))
    for at in range(0, len(block), 37):
        altered = block[:at] + bytes([block[at] ^ 1]) + block[at + 1 :]
        with pytest.raises(ExchangeError):
            list(read_blocks(io.BytesIO(altered), [signer.public]))


@pytest.mark.parametrize(
    "junk", [b"hello", MAGIC + b"99999999\n", MAGIC + b"-1\n", b"\0" * 1000, MAGIC + b"3\n{}\n"]
)
def test_a_file_that_is_no_export_is_refused_with_a_sentence(junk, signer):
    with pytest.raises(ExchangeError, match=r"^block 1: "):
        list(read_blocks(io.BytesIO(junk), [signer.public]))


def test_keys_are_made_for_their_owner_alone_and_never_overwritten(tmp_path):
    path = tmp_path / "key.pem"
    made = Signer.create(path)
    assert path.stat().st_mode & 0o077 == 0
    assert Signer.load(path).public == made.public
    with pytest.raises(ExchangeError, match=r"key\.pem"):
        Signer.create(path)
    (tmp_path / "bad.pem").write_text("no key")
    with pytest.raises(ExchangeError, match=r"bad\.pem"):
        Signer.load(tmp_path / "bad.pem")
