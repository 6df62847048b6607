"""What the model can be asked for: words, scenes, and captions that describe them.

A scene is a row of small integers (one per attribute); a caption is one of the many ways to say it.
"""

import random
from dataclasses import dataclass

OBJECT_COLOURS = {
    "red": (230, 31, 36),
    "green": (33, 179, 64),
    "blue": (38, 82, 235),
    "yellow": (250, 219, 31),
    "purple": (148, 51, 199),
    "orange": (250, 138, 20),
    "cyan": (38, 217, 230),
    "white": (247, 247, 247),
    "pink": (250, 140, 191),
}
BACKGROUNDS = {
    "black": (10, 10, 13),
    "white": OBJECT_COLOURS["white"],
    "gray": (128, 128, 133),
    "blue": OBJECT_COLOURS["blue"],
    "green": OBJECT_COLOURS["green"],
    "red": OBJECT_COLOURS["red"],
    "purple": OBJECT_COLOURS["purple"],
    "pink": OBJECT_COLOURS["pink"],
    "brown": (115, 71, 36),
    "orange": OBJECT_COLOURS["orange"],
}
SHAPES = {
    "circle": ["circle", "ball", "disc"],
    "square": ["square", "box"],
    "triangle": ["triangle"],
    "star": ["star"],
    "cross": ["cross"],
    "ring": ["ring"],
}
SIZES = {"small": ["small", "little", "tiny"], "medium": ["", "medium"], "large": ["large", "big"]}
SPEEDS = {"slow": ["slowly"], "normal": [""], "fast": ["quickly", "fast"]}

_VERBS = ["moves", "goes", "slides", "moving", "travels"]


def _go(*ways: str) -> list[str]:
    return [f"{verb} {way}" for verb in _VERBS for way in ways]


MOTIONS = {
    "left": _go("left", "to the left"),
    "right": _go("right", "to the right"),
    "up": _go("up", "upwards"),
    "down": _go("down", "downwards"),
    "still": ["stays still", "stays", "resting", "rests"],
    "grow": ["grows", "growing", "gets bigger"],
    "shrink": ["shrinks", "shrinking", "gets smaller"],
    "up-left": _go("up and left"),
    "up-right": _go("up and right"),
    "down-left": _go("down and left"),
    "down-right": _go("down and right"),
    "spin": ["spins", "spinning", "rotates"],
    "bounce": ["bounces", "bouncing"],
    "orbit": ["moves in a circle", "orbits", "circles"],
}
#: Motions that the first part of the curriculum uses.
CORE_MOTIONS = ["left", "right", "up", "down", "still", "grow", "shrink"]
#: A turn of these cannot be seen, so no caption asks for it.
ROUND = {"circle", "ring"}
#: Motions whose speed can be told from the video.
WITH_SPEED = {"left", "right", "up", "down", "up-left", "up-right", "down-left", "down-right", "spin", "orbit", "bounce"}

PAD, NULL, START, UNKNOWN = "<pad>", "<null>", "<start>", "<unknown>"
_GLUE = "a an the on over against background and with is in moves to of at its".split()


def _vocabulary() -> list[str]:
    words: list[str] = []
    for group in (OBJECT_COLOURS, BACKGROUNDS):
        words += group
    for group in (SHAPES, SIZES, SPEEDS, MOTIONS):
        for phrases in group.values():
            for phrase in phrases:
                words += phrase.split()
    words += _GLUE + ["gradient", "leaving", "trail", "shadow", "move", "go", "slide", "stay", "spin", "rotate", "grow", "shrink", "bounce", "orbit", "turns", "still", "dark", "light"]
    return [PAD, NULL, START, UNKNOWN] + sorted(set(words))


VOCABULARY = _vocabulary()
TOKEN_OF = {word: index for index, word in enumerate(VOCABULARY)}
#: The seed of the test prompts: the first 96 of its draws are src/lab/prompts/test.json.
TEST_SEED = 96
#: Tokens of a caption after padding; the start token is the first.
MAX_TOKENS = 24


def encode(caption: str) -> list[int]:
    """Token ids, padded to MAX_TOKENS. Unknown words are left out; a caption without words is the null prompt."""
    words = "".join(c if c.isalnum() else " " for c in caption.lower()).split()
    known = [TOKEN_OF[w] for w in words if w in TOKEN_OF]
    ids = [TOKEN_OF[START]] + (known or [TOKEN_OF[NULL]])
    ids = ids[:MAX_TOKENS]
    return ids + [TOKEN_OF[PAD]] * (MAX_TOKENS - len(ids))


@dataclass(frozen=True)
class Scene:
    """One object on a solid background, by attribute names."""

    shape: str
    colour: str
    background: str
    size: str
    motion: str
    speed: str


def is_held_out(scene: Scene) -> bool:
    """A tenth of all (shape, colour, background, motion) combinations is never trained on."""
    key = (
        list(SHAPES).index(scene.shape)
        + 7 * list(OBJECT_COLOURS).index(scene.colour)
        + 11 * list(BACKGROUNDS).index(scene.background)
        + 3 * list(MOTIONS).index(scene.motion)
    )
    return key % 10 == 3


def sample_scene(rng: random.Random, stage: str) -> Scene:
    """Draws a scene. Stage `core`: medium and large objects and the seven core motions; `full`: everything."""
    while True:
        shape = rng.choice(list(SHAPES))
        colour = rng.choice(list(OBJECT_COLOURS))
        background = rng.choice(list(BACKGROUNDS))
        if stage == "core":
            size = rng.choice(["medium", "large"])
            motion = rng.choice(CORE_MOTIONS)
            speed = "normal"
        else:
            size = rng.choices(["small", "medium", "large"], [0.2, 0.4, 0.4])[0]
            motion = rng.choice(CORE_MOTIONS if rng.random() < 0.6 else list(MOTIONS)[7:])
            speed = rng.choices(["slow", "normal", "fast"], [0.15, 0.7, 0.15])[0] if motion in WITH_SPEED else "normal"
        if colour != background and not (motion == "spin" and shape in ROUND):
            return Scene(shape, colour, background, size, motion, speed)


def caption(scene: Scene, rng: random.Random) -> str:
    """One of the ways to describe a scene."""

    def article(word: str) -> str:
        return "an" if word[0] in "aeiou" and rng.random() < 0.5 else "a"

    size = rng.choice(SIZES[scene.size])
    first = f"{size} {scene.colour}".strip()
    motion = f"{rng.choice(MOTIONS[scene.motion])} {rng.choice(SPEEDS[scene.speed])}".strip()
    on = rng.choice(["on", "on", "against", "over"])
    return (
        f"{article(first)} {first} {rng.choice(SHAPES[scene.shape])} {motion} "
        f"{on} {article(scene.background)} {scene.background} background"
    )


def held_out(count: int, seed: int = TEST_SEED) -> list[tuple[str, Scene]]:
    """The first `count` held-out scenes of a seed, with the captions that go with them."""
    rng = random.Random(seed)
    found = []
    while len(found) < count:
        scene = sample_scene(rng, "full")
        if is_held_out(scene):
            found.append((caption(scene, rng), scene))
    return found
