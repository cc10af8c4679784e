"""Who gives way when there are too many connections."""

from dataclasses import dataclass, field

from watchdog.web.room import Room


@dataclass(eq=False)
class Guest:
    host: str
    silent_since: float = 0.0
    asks: bool = False
    cuts: list[str] = field(default_factory=list)

    def answering(self):
        return self.asks

    def cut(self):
        self.cuts.append(self.host)


def filled(most, *guests):
    told = []
    room = Room(most, told.append)
    for guest in guests:
        room.enter(guest)
    return room, told


def test_nobody_gives_way_while_there_is_room():
    guests = [Guest("a"), Guest("b")]
    room, told = filled(2, *guests)
    assert len(room) == 2
    assert told == []


def test_the_one_that_has_been_silent_longest_gives_way():
    guests = [Guest("a", 5.0), Guest("a", 3.0), Guest("a", 9.0)]
    room, told = filled(2, *guests)
    assert [bool(guest.cuts) for guest in guests] == [False, True, False]
    assert told == ["a"]
    assert len(room) == 2


def test_the_host_that_holds_most_gives_way_first_whoever_came_last():
    scraper = Guest("prometheus", 0.0)
    crowd = [Guest("stranger", float(n)) for n in range(1, 4)]
    _, told = filled(3, scraper, *crowd)
    assert scraper.cuts == []
    assert crowd[0].cuts
    assert told == ["stranger"]


def test_whoever_awaits_an_answer_stays_while_another_is_silent():
    asking, silent = Guest("a", 0.0, asks=True), Guest("a", 7.0)
    filled(2, asking, silent, Guest("a", 8.0))
    assert asking.cuts == []
    assert silent.cuts


def test_the_one_that_came_last_gives_way_where_all_await_an_answer():
    guests = [Guest("a", float(n), asks=True) for n in range(3)]
    room, _ = filled(2, *guests)
    assert [bool(guest.cuts) for guest in guests] == [False, False, True]
    assert guests[2] not in list(room)


def test_who_has_left_is_not_counted():
    first = Guest("a")
    room, told = filled(1, first)
    room.leave(first)
    room.leave(first)
    room.enter(Guest("b"))
    assert told == []
