"""One name claimed on two nodes at the same instant has one owner."""

import pytest

from harness import members, scaled, wait_until


@pytest.fixture
def nodes(world):
    return world.some_nodes(2)


def taken(name):
    return f'! The name "{name}" is taken. Choose another.'


def is_now(answers, name):
    return any(line.endswith(f" is now {name}") for line in answers)


def won(answer, name):
    """Whether the claim was granted; the answer must be one of the two."""
    if answer == taken(name):
        return False
    assert answer.startswith(f"* You are {name} in #lobby"), answer
    return True


@pytest.mark.slow(10)
def test_of_two_that_arrive_with_one_name_one_gets_it(world, nodes):
    rounds = scaled("rounds", 200, short=40, long=1000)
    wins = [0, 0]
    for number in range(rounds):
        claims = [f"Name{number}", f"nAME{number}"]
        pair = [world.connect(node, claim) for node, claim in zip(nodes, claims)]
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            pair[which].send(claims[which])
        results = [won(client.next(), claim) for client, claim in zip(pair, claims)]
        assert sorted(results) == [False, True], f"round {number}: {results}"
        wins[results.index(True)] += 1
        for client in pair:
            client.close()
    print(f"{rounds} rounds: won {wins[0]} by the first node, {wins[1]} by the second")


@pytest.mark.slow(10)
def test_of_two_that_change_to_one_name_one_gets_it(world, nodes):
    rounds = scaled("rounds", 200, short=40, long=1000)
    pair = [world.person(node, name) for node, name in zip(nodes, ("ann", "ben"))]
    for number in range(rounds):
        name = f"name{number}"
        for client in pair:
            client.send(f"/nick {name}")
        results = []
        for client in pair:
            answers = client.settle()
            assert taken(name) in answers or is_now(answers, name), answers
            results.append(taken(name) not in answers)
        assert sorted(results) == [False, True], f"round {number}: {results}"
        pair[results.index(False)].ask(f"/nick other{number}")
    for client in pair:
        client.settle()
    assert members(pair[0]) == members(pair[1])


def test_a_name_given_back_and_taken_again_and_again(world, nodes):
    """No claim gets stuck, and none is lost to a late release."""
    people = [world.person(node, name) for node, name in zip(nodes, ("ann", "ben"))]
    own = ["ann", "ben"]
    for number in range(scaled("rounds", 100, short=20)):
        which = number % 2
        holder, other = people[which], people[1 - which]
        got_it = f"* {own[which]} is now prize"
        wait_until(lambda: got_it in holder.ask("/nick prize"), what="the name is free again")
        assert taken("prize") in other.ask("/nick prize")
        assert holder.ask("hello")[-1] == "[#lobby] <prize> hello"
        own[which] = f"old{number}"
        assert f"* prize is now {own[which]}" in holder.ask(f"/nick {own[which]}")


def test_hundreds_of_names_at_once(world, nodes):
    count = scaled("people", 300, short=100)
    people = world.people(nodes, [f"p{n}" for n in range(count)])
    for client in people:
        assert client.lines[0].startswith(f"* You are {client.name} in #lobby")
    last = people[-1].ask("/who")[-1]
    assert last == f"* {count} people in #lobby."
    assert people[0].ask("/who")[-1] == last
