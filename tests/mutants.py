"""JSON values with a few places changed."""

import copy

from hypothesis import strategies as st


def places(data, way=()):
    """The path of everything in JSON values."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in items:
        yield (*way, name)
        yield from places(value, (*way, name))


@st.composite
def mutants(draw, data, odd, nowhere):
    """``data`` with a few places deleted, doubled, copied from elsewhere or replaced by something odd.

    Args:
        draw: Hypothesis's.
        data: JSON values.
        odd: Strategy of values.
        nowhere: The field that changes where nothing is left.
    """
    mutant = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(list(places(mutant)) or [(nowhere,)]))
        place = mutant
        for part in way:
            place = place[part]
        kind = draw(st.sampled_from(["delete", "replace", "copy", "double"]))
        if kind == "delete":
            place.pop(last, None) if isinstance(place, dict) else place.pop(last)
        elif kind == "replace":
            place[last] = draw(odd)
        elif kind == "copy":
            source = data
            for part in draw(st.sampled_from(list(places(data)))):
                source = source[part]
            place[last] = copy.deepcopy(source)
        elif isinstance(place, list):
            place.append(copy.deepcopy(place[last]))
    return mutant
