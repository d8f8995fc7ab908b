"""What a loader of the user's own returned, in one form: blocks of rows for each part of the split.

In: arrays, several of them by name, tables, `tf.data.Dataset`, `keras.utils.PyDataset`, generators,
or a mapping of these for the parts. Out: a `Given`. Nobody imports TensorFlow here: who returns
something of it has imported it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fairsweep.config.guess import nearest
from fairsweep.data.dataset import PART_WORDS, PARTS
from fairsweep.errors import BadInput
from fairsweep.plural import plural

Array = npt.NDArray[Any]
Several = Mapping[str, Array]
"""Arrays by name; a single one has an empty name."""

WEIGHTS = "sample_weight"
ROLES = ("x", "y", WEIGHTS, "groups")
ABOUT = ("class_names", "version")
KEYS = {*ROLES, *ABOUT, *PART_WORDS, *(f"{role}_{part}" for role in ROLES for part in PART_WORDS)}
MOST_ROWS = 2**27
"""Of a generator, which doesn't say whether it ends."""
FORMS = (
    "(x, y), a mapping with x and y, a DataFrame, or batches of (x, y): a tf.data.Dataset, a "
    "keras.utils.PyDataset or a generator"
)


@dataclass(frozen=True)
class Block:
    """Rows that belong together, (rows, …) each."""

    x: Several
    y: Several = field(default_factory=dict)
    sample_weight: Several = field(default_factory=dict)
    groups: Several = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.x.values())))

    def roles(self) -> Iterator[tuple[str, str, Array]]:
        """Each array, with its role and name."""
        for role in ROLES:
            for name, array in getattr(self, role).items():
                yield role, name, array


@dataclass(frozen=True)
class Table:
    """A pandas DataFrame, and the columns of answers that were given apart from it."""

    frame: Any
    target: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """Blocks or a table for each part of the split, in their order; all under an empty name where
    the split isn't given."""

    parts: Mapping[str, Iterator[Block] | Table]
    class_names: Sequence[str] | None = None
    version: str = ""


def read(returned: Any) -> Given:
    """What was returned, in one form.

    Raises:
        BadInput: it has no form that is known; the message is the end of a sentence that begins
            with the loader.
    """
    if _is_train_and_test(returned):
        returned = dict(zip(("train", "test"), returned, strict=True))
    if not isinstance(returned, Mapping):
        return Given({"": _part(returned)})
    if not all(isinstance(key, str) for key in returned):
        raise BadInput("returns a mapping whose keys aren't all words; need x and y")
    _check_keys("a mapping", returned, KEYS, (*ROLES, *ABOUT))
    names = returned.get("class_names")
    version = returned.get("version")
    return Given(
        {part: _part(own) for part, own in _split(returned).items()},
        None if names is None else [str(name) for name in names],
        "" if version is None else str(version),
    )


def _is_train_and_test(returned: Any) -> bool:
    """Whether two pairs are training and test rows, as `load_data` of keras.datasets returns them:
    of several inputs and outputs, which look alike, all have the same rows, and no input has
    words."""
    if not isinstance(returned, tuple) or len(returned) != 2:
        return False
    if not all(isinstance(part, tuple) and 2 <= len(part) <= 3 for part in returned):
        return False
    if not all(hasattr(own, "__len__") for part in returned for own in part):
        return False
    train, test = ({len(own) for own in part} for part in returned)
    words = any(np.asarray(part[1]).dtype.kind in "OUS" for part in returned)
    return len(train) == len(test) == 1 and (train != test or words)


def _check_keys(
    what: str, given: Mapping[str, Any], known: Collection[str], told: Sequence[str]
) -> None:
    """Checks that the keys of a mapping are known, of which those that are `told` are suggested."""
    if unknown := [key for key in given if key not in known]:
        close = nearest(unknown[0], told) if len(unknown) < len(given) else None
        meant = f"did you mean {close}?" if close else f"there are {', '.join(told)}"
        raise BadInput(f"returns {what} with {unknown[0]!r}, which means nothing here; {meant}")


def _split(returned: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was given for each part of the split: a mapping of roles, or batches."""
    found: dict[str, Any] = {}
    for key, value in returned.items():
        role, _, word = key.rpartition("_")
        if key in PART_WORDS:
            part = PARTS[PART_WORDS[key]]
            if part in found:
                raise BadInput(f"returns {part} rows twice; leave one out")
            if isinstance(value, Mapping):
                _check_keys(f"{key} as a mapping", value, ROLES, ROLES)
            found[part] = value
        elif key in ROLES:
            found.setdefault("", {})[key] = value
        elif role in ROLES:
            part = PARTS[PART_WORDS[word]]
            own = found.setdefault(part, {})
            if not isinstance(own, dict) or role in own:
                raise BadInput(f"returns {part} rows twice; leave one out")
            own[role] = value
    if "" in found and len(found) > 1:
        raise BadInput("returns both x and the rows of parts; give x_train, x_val, x_test instead")
    if "" not in found and PARTS[0] not in found:
        raise BadInput("returns no training rows; give x_train and y_train")
    return {part: found[part] for part in ("", *PARTS) if part in found}


def _part(given: Any) -> Iterator[Block] | Table:
    if isinstance(given, Mapping):
        if "x" not in given:
            raise BadInput(f"returns {', '.join(given)} without x; need x and y")
        return _rows(given["x"], given)
    if is_frame(given):
        return Table(given)
    if isinstance(given, tuple) and 2 <= len(given) <= 3:
        return _rows(given[0], dict(zip(("x", "y", "sample_weight"), given, strict=False)))
    if (batches := _batches(given)) is not None:
        return batches
    raise BadInput(f"returns {_described(given)}; need {FORMS}")


def _rows(x: Any, given: Mapping[str, Any]) -> Iterator[Block] | Table:
    if (batches := _batches(x)) is not None:
        if others := ", ".join(key for key in given if key != "x"):
            raise BadInput(
                f"returns batches as x, and {others} beside them; have each batch be (x, y)"
            )
        return batches
    if is_frame(x):
        return _with_target(x, given)
    return iter([_block(given)])


def _with_target(frame: Any, given: Mapping[str, Any]) -> Table:
    """A table with its answers as columns."""
    if beside := [key for key in given if key not in ("x", "y")]:
        raise BadInput(
            f"returns a DataFrame with {', '.join(beside)} beside it; make them columns: "
            "data.group=… data.weight=…"
        )
    y = given.get("y")
    if y is None:
        return Table(frame)
    if len(y) != len(frame):
        raise BadInput(_unlike({"x": len(frame), "y": len(y)}))
    if is_frame(y):
        answers = {str(name): y[name].to_numpy() for name in y.columns}
    else:
        answers = {str(getattr(y, "name", None) or "target"): _array("y", y)}
    if twice := [name for name in answers if name in map(str, frame.columns)]:
        raise BadInput(f"returns y as {twice[0]!r}, which x has as a column, too; drop it from x")
    return Table(frame.assign(**answers), tuple(answers))


def _block(given: Mapping[str, Any]) -> Block:
    block = Block(
        **{role: _several(role, given[role]) for role in ROLES if given.get(role) is not None}
    )
    lengths = {called(role, name): len(array) for role, name, array in block.roles()}
    if len(set(lengths.values())) > 1:
        raise BadInput(_unlike(lengths))
    return block


def _unlike(lengths: Mapping[str, int]) -> str:
    shown = ", ".join(f"{name} {rows}" for name, rows in lengths.items())
    return f"returns arrays of different lengths: {shown}; all must have the same rows"


def called(role: str, name: str) -> str:
    """What an array is called in messages."""
    return f"{role}[{name!r}]" if name else role


def _several(role: str, given: Any) -> Several:
    """Arrays by name. A tuple of them gets names as Keras would give them: input_1, output_1, …"""
    word = {"x": "input", "y": "output"}.get(role)
    if word and isinstance(given, tuple) and all(getattr(own, "shape", ()) for own in given):
        given = {f"{word}_{i}": own for i, own in enumerate(given, 1)}
    if word and isinstance(given, Mapping):
        if not given or not all(isinstance(name, str) and name for name in given):
            raise BadInput(f"returns {role} as a mapping; its keys must be the names of {word}s")
        if unfit := [name for name in given if not _is_plain(name)]:
            raise BadInput(
                f"returns {role} with the name {unfit[0]!r}; use letters, digits and _, as Keras "
                "does"
            )
        return {
            name: _typed(role, _array(called(role, name), own), True) for name, own in given.items()
        }
    if isinstance(given, Mapping):
        raise BadInput(
            f"returns {role} by the names {', '.join(map(str, given))}; need one array, a value "
            "for each row"
            + (", by which the loss of every output is multiplied" if role == WEIGHTS else "")
        )
    return {"": _typed(role, _array(role, given), False)}


def _is_plain(name: str) -> bool:
    return name.replace("_", "").isalnum() and name.isascii()


def _typed(role: str, array: Array, named: bool) -> Array:
    """Numbers of 32 bits. A single array of features is float, as in an .npz; one of several keeps
    whole numbers, which may be ids."""
    if role == "x" and array.dtype.kind in "iufb" and (not named or array.dtype.kind in "fb"):
        with np.errstate(over="ignore"):  # too large for 32 bits: infinite, and refused as such
            return array.astype(np.float32, copy=False)
    if role == "x" and array.dtype in (np.int64, np.uint32, np.uint64):
        fits = not array.size or -(2**31) <= array.min() <= array.max() < 2**31
        return array.astype(np.int32 if fits else np.int64)
    return array


def _array(place: str, given: Any) -> Array:
    """Plain values, rows first.

    Raises:
        BadInput: they are Python objects, or no array at all.
    """
    if hasattr(given, "to_numpy") and not hasattr(given, "columns"):  # a pandas Series
        given = given.to_numpy()
    try:
        array = np.asarray(given)
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"returns {place} as {_described(given)}, which is no array: {error}"
        ) from error
    if array.dtype.kind == "O" and not array.shape:
        raise BadInput(f"returns {place} as {_described(given)}, which is no array; need numbers")
    if array.dtype.kind == "O":
        words = [type(value) is str for value in array.reshape(-1)]
        if not words or not all(words):
            other = next(
                (type(v).__name__ for v in array.reshape(-1) if type(v) is not str), "nothing"
            )
            raise BadInput(
                f"returns {place} as an array of Python objects ({other}), shape {array.shape}; "
                "need numbers, or words alone: np.stack(rows) makes one array of rows that have "
                "the same shape"
            )
        array = array.astype(str)
    if array.dtype.kind not in "iufbUS" or (array.dtype.kind in "US" and place.startswith("x")):
        raise BadInput(f"returns {place} as {array.dtype}; need numbers")
    if not array.shape:
        raise BadInput(
            f"returns {place} as a single value ({array}); need an array with rows first"
        )
    return array


def is_frame(given: Any) -> bool:
    """Whether something is a DataFrame of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(given, pandas.DataFrame)


def _batches(given: Any) -> Iterator[Block] | None:
    """The batches of what gives them; None where it doesn't."""
    make = _source_of(given)
    return None if make is None else _checked(make())


def _source_of(given: Any) -> Callable[[], Iterator[Any]] | None:
    tensorflow, keras = sys.modules.get("tensorflow"), sys.modules.get("keras")
    if tensorflow is not None and isinstance(given, tensorflow.data.Dataset):
        if int(given.cardinality()) == -1:
            raise BadInput("returns a tf.data.Dataset that never ends; take out .repeat()")
        return lambda: (_plain(batch) for batch in given)
    if keras is not None and isinstance(given, keras.utils.PyDataset):
        if given.num_batches is None:
            raise BadInput("returns a PyDataset that never ends; give it a __len__")
        return lambda: (given[i] for i in range(given.num_batches))
    if isinstance(given, Iterator):
        return lambda: given
    return None


def _plain(batch: Any) -> Any:
    """A batch of tensors as arrays; other kinds of tensors stay, and are refused."""
    if isinstance(batch, Mapping):
        return {name: _plain(own) for name, own in batch.items()}
    if isinstance(batch, tuple):
        return tuple(map(_plain, batch))
    if not isinstance(batch, sys.modules["tensorflow"].Tensor):
        return batch
    array = np.asarray(batch.numpy())
    return np.char.decode(array.astype(bytes), "utf-8") if array.dtype.kind in "OS" else array


def _checked(batches: Iterator[Any]) -> Iterator[Block]:
    """Blocks of batches, each as `fit` takes it."""
    rows = 0
    for number, batch in enumerate(batches, 1):
        if not isinstance(batch, tuple) or not 2 <= len(batch) <= 3:
            raise BadInput(
                f"gives {_described(batch)} as batch {number}; need (x, y) or (x, y, sample_weight)"
            )
        try:
            block = _block(dict(zip(("x", "y", "sample_weight"), batch, strict=False)))
        except BadInput as error:
            (text,) = error.problems
            single = number == 1 and ("a single value" in text or "different lengths" in text)
            hint = "; does it give rows? It must give batches: .batch(256)" if single else ""
            raise BadInput(
                f"{text.replace('returns', 'gives', 1)} (batch {number}){hint}"
            ) from error
        rows += block.rows
        if rows > MOST_ROWS:
            raise BadInput(
                f"gives more than {MOST_ROWS:,} rows, and may never end; a generator must end "
                "after one pass over the rows"
            )
        yield block
    if not rows:
        raise BadInput("gives no batch")


def _described(given: Any) -> str:
    if isinstance(given, tuple | list):
        return f"a {type(given).__name__} of {plural(len(given), 'value')}"
    if given is None:
        return "nothing (None)"
    shape = f" of shape {tuple(given.shape)}" if hasattr(given, "shape") else ""
    return f"{type(given).__name__}{shape}"
