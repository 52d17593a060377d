"""Heads around stripped brains: the map of what lies where, made of smooth random shells and solids."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Orientation, Randomizable, Transform
from scipy import ndimage
from torch.nn.functional import interpolate

COARSE_MM = 4.0
"""Spacing of the grid that the shells are made on; they are smooth, and evaluated between its points."""
MARGINS_MM = ((28.0, 28.0), (28.0, 44.0), (72.0, 30.0))
"""Room around the brain: left and right, behind and in front, below and above."""

RIM = 0.4
"""Share of the bright tissue's intensity up to which what lies around a stripped brain is fluid."""
SULCUS_MM = 5.0
"""Half the width of what counts as a sulcus, and as the brain's, however dark."""


class Part(IntEnum):
    """What a voxel of a head shows."""

    AIR = 0
    BRAIN = 1
    CSF = 2
    DURA = 3
    BONE = 4
    MARROW = 5
    MUSCLE = 6
    FAT = 7
    SKIN = 8
    EYE = 9
    LENS = 10
    CORD = 11
    SOFT_A = 12
    SOFT_B = 13


@dataclass(frozen=True)
class HeadAnatomy:
    """A brain and what surrounds it, on one grid in RAS.

    Args:
        parts: (1, X, Y, Z), uint8, values of :class:`Part`, with the affine.
        brain: (1, X, Y, Z), float32, the stripped image, 0 where ``parts`` is not the brain.
    """

    parts: MetaTensor
    brain: MetaTensor

    @property
    def mask(self) -> MetaTensor:
        """The brain, (1, X, Y, Z), boolean."""
        return MetaTensor(self.parts.as_tensor() == Part.BRAIN, affine=self.parts.affine)


class RandHeadAnatomy(Randomizable, Transform):
    """Build a random head around a stripped brain.

    From within: subarachnoid space with dura and vessels, skull of two tables with marrow between them, muscle at the
    temples, fat, skin; below the brain a spinal cord in its canal, a neck and a face of random soft tissues, bone and
    air, two eyes. Thicknesses vary smoothly and from head to head. A head is nobody's, its brain is somebody's.

    Example:
        >>> import torch
        >>> brain = torch.zeros(1, 70, 80, 64)
        >>> brain[:, 10:60, 10:70, 10:54] = 1
        >>> head = RandHeadAnatomy().set_random_state(0)(brain)
        >>> int(head.mask.sum()) == int(brain.sum())
        True
    """

    def randomize(self, data: object | None = None) -> None:
        """Draw the seed of the head."""
        self.seed = int(self.R.randint(2**31 - 1))

    def __call__(self, image: torch.Tensor) -> HeadAnatomy:
        """Head around a stripped brain.

        Args:
            image: (1, X, Y, Z), 0 outside of the brain, T1 (dark fluid at its rim is no part of the brain); a plain
                tensor counts as RAS with 1 mm.

        Raises:
            ValueError: if it has another shape or is 0 everywhere.
        """
        if image.ndim != 4 or image.shape[0] != 1 or not bool((image != 0).any()):
            raise ValueError(f"a stripped brain (1, X, Y, Z) is needed, not 0 or of shape {tuple(image.shape)}")
        self.randomize()
        volume = image if isinstance(image, MetaTensor) else MetaTensor(image, affine=torch.eye(4))
        brain = _with_room(Orientation("RAS", labels=None)(volume))
        rng = np.random.default_rng(self.seed)
        spacing = np.linalg.norm(brain.affine.numpy()[:3, :3], axis=0)
        inside = _without_rim(brain.as_tensor()[0].numpy(), spacing)
        parts = _Shells(inside, spacing, rng).parts()
        return HeadAnatomy(MetaTensor(torch.from_numpy(parts)[None], affine=brain.affine), brain)


def random_volume(shape: tuple[int, ...], points: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Smooth random field (X, Y, Z): normal numbers on a grid of ``points``, linear between them; float32."""
    grid = torch.from_numpy(rng.standard_normal(points, dtype=np.float32))[None, None]
    return interpolate(grid, size=shape, mode="trilinear", align_corners=True)[0, 0].numpy()


def field_points(shape: tuple[int, ...], spacing: np.ndarray, every_mm: float) -> tuple[int, ...]:
    """Points of a random field with one every so many mm along each axis, at least 2."""
    return tuple(max(2, round(n * step / every_mm)) for n, step in zip(shape, spacing, strict=True))


class _Shells:
    """The parts of one head; distances in mm, x to the right, y forward, z up, 0 at the middle of the brain's box."""

    def __init__(self, inside: np.ndarray, spacing: np.ndarray, rng: np.random.Generator) -> None:
        self.inside, self.spacing, self.rng = inside, spacing, rng
        self.shape = inside.shape
        coarse = tuple(int(n) for n in np.maximum(np.round(np.array(self.shape) * spacing / COARSE_MM), 4))
        self.coarse_spacing = np.array(self.shape) * spacing / np.array(coarse)
        full = torch.from_numpy(inside.astype(np.float32))[None, None]
        small = interpolate(full, size=coarse, mode="area")[0, 0].numpy() > 0.5
        self.small = small if small.any() else interpolate(full, size=coarse, mode="area")[0, 0].numpy() > 0
        box = [np.flatnonzero(self.small.any(axis=tuple({0, 1, 2} - {axis})))[[0, -1]] for axis in range(3)]
        middle = [(low + high) / 2 for low, high in box]
        self.half = [(high - low + 1) / 2 * step for (low, high), step in zip(box, self.coarse_spacing, strict=True)]
        axes = [
            (np.arange(n, dtype=np.float32) - centre) * np.float32(step)
            for n, centre, step in zip(coarse, middle, self.coarse_spacing, strict=True)
        ]
        self.x, self.y, self.z = np.meshgrid(*axes, indexing="ij", sparse=True)

    def thickness(self, low: float, high: float, varies: float = 0.5, every_mm: float = 40.0) -> np.ndarray:
        """A thickness in mm that varies smoothly, in mean between the two numbers."""
        points = field_points(self.small.shape, self.coarse_spacing, every_mm)
        mean = self.rng.uniform(low, high)
        return np.maximum(mean * (1 + varies * random_volume(self.small.shape, points, self.rng)), 0.3 * mean)

    def distance(self) -> np.ndarray:
        """Signed distance to the brain's envelope in mm: its sulci and fissures closed; below 0 within."""
        radius, step = self.rng.uniform(6, 14), self.coarse_spacing
        grown = ndimage.distance_transform_edt(~self.small, step) <= radius
        envelope = (ndimage.distance_transform_edt(grown, step) > radius) | self.small
        signed = ndimage.distance_transform_edt(~envelope, step) - ndimage.distance_transform_edt(envelope, step)
        return ndimage.gaussian_filter(signed.astype(np.float32), self.rng.uniform(0.6, 1.2))

    def fine(self, field: np.ndarray) -> np.ndarray:
        """A field of the coarse grid on that of the image."""
        tensor = torch.from_numpy(np.ascontiguousarray(field, dtype=np.float32))[None, None]
        return interpolate(tensor, size=self.shape, mode="trilinear")[0, 0].numpy()

    def parts(self) -> np.ndarray:
        """Values of :class:`Part`, (X, Y, Z), uint8."""
        rng = self.rng
        from_brain = self.distance()
        gap = self.thickness(0.5, 5.0) + (from_brain.min() < 0) * 0.5
        skull = self.thickness(3.0, 10.0, 0.3)
        temples = np.clip((0.2 * self.half[2] - self.z) / 30, 0, 1) * np.clip(np.abs(self.x) / self.half[0], 0, 1)
        muscle = temples * self.thickness(1.0, 14.0)
        fat, skin = self.thickness(1.0, 9.0), self.thickness(1.2, 3.0, 0.2)
        orbits = self.orbits()
        within_eye = np.minimum(*(eye for eye, _ in orbits))
        solids = [from_brain - gap - skull - muscle - fat - skin, *self.neck_and_face()]
        outside = np.minimum.reduce([*solids, within_eye - 5])
        depth = -self.fine(ndimage.gaussian_filter(outside, 1.0))
        from_skull, gap, skull, muscle = (self.fine(f) for f in (from_brain - gap, gap, skull, muscle))
        fat, skin = self.fine(fat), self.fine(skin)

        parts = self.soft_tissues()
        parts[(from_skull < skull + muscle) & (muscle > 1)] = Part.MUSCLE
        for eye, lens in orbits:
            eye, lens = self.fine(eye), self.fine(lens)
            parts[eye < 8] = Part.FAT
            parts[eye < 0] = Part.EYE
            parts[(lens < 0) & (eye < 1)] = Part.LENS
        parts[depth < fat + skin] = Part.FAT
        parts[depth < skin] = Part.SKIN
        parts[depth < 0] = Part.AIR
        table = rng.uniform(1.0, 2.5)
        parts[from_skull < skull] = Part.BONE
        parts[(from_skull > table) & (from_skull < skull - table)] = Part.MARROW
        canal, cord = (self.fine(field) for field in self.cord())
        parts[(canal < 6) & (depth > 0)] = Part.BONE
        parts[(canal < 0) & (depth > 0)] = Part.CSF
        parts[(cord < 0) & (depth > 0)] = Part.CORD
        parts[(from_skull < 0) & (cord >= 0)] = Part.CSF
        threads = self.noise(14.0)
        dura = np.minimum(gap, rng.uniform(0.0, 2.0))
        parts[(from_skull < 0) & (from_skull > -dura) & (threads > rng.uniform(-1, 1))] = Part.DURA
        parts[(from_skull < 0) & (from_skull > -gap) & (self.noise(9.0) > rng.uniform(1.0, 2.5))] = Part.DURA
        parts[self.inside] = Part.BRAIN
        return parts

    def noise(self, every_mm: float) -> np.ndarray:
        """A random field on the image's grid."""
        return random_volume(self.shape, field_points(self.shape, self.spacing, every_mm), self.rng)

    def soft_tissues(self) -> np.ndarray:
        """What fills neck and face: the largest of several random fields says which part."""
        kinds = [Part.MUSCLE, Part.FAT, Part.SOFT_A, Part.SOFT_B, Part.BONE, Part.MARROW, Part.AIR]
        rare = np.array([0.5, 0.2, 0.3, 0.3, -0.1, -0.3, -0.3]) + 0.5 * self.rng.standard_normal(7)
        fields = [self.noise(self.rng.uniform(8, 24)) + more for more in rare]
        return np.array(kinds, dtype=np.uint8)[np.argmax(np.stack(fields), axis=0)]

    def neck_and_face(self) -> list[np.ndarray]:
        """Distances to a neck and a face, about in mm, below 0 within; either may be missing."""
        rng, (wide, long, high) = self.rng, self.half
        radii = rng.uniform(0.65, 0.9, 2) * wide
        round_about = np.hypot(self.x / radii[0], (self.y + rng.uniform(0.0, 0.35) * long) / radii[1])
        neck = np.maximum((round_about - 1) * radii.min(), self.z + rng.uniform(0.3, 0.7) * high)
        radii = np.array([wide, long, high]) * rng.uniform([0.7, 0.6, 0.7], [0.95, 0.85, 1.3])
        away = [self.x, self.y - rng.uniform(0.35, 0.6) * long, self.z + rng.uniform(0.9, 1.3) * high]
        face = np.sqrt(sum((axis / radius) ** 2 for axis, radius in zip(away, radii, strict=True))) - 1
        chosen = [solid for solid in (neck, face * radii.min()) if rng.random() < 0.9]
        return [np.broadcast_to(solid, self.small.shape) for solid in chosen]

    def orbits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Distances to each eye and its lens in mm."""
        rng, (wide, long, high) = self.rng, self.half
        apart, front = rng.uniform(0.4, 0.52) * wide, rng.uniform(0.8, 1.05) * long
        below, radius = rng.uniform(0.45, 0.85) * high, rng.uniform(10, 13)
        result = []
        for side in (-apart, apart):
            near = (self.x - side) ** 2 + (self.z + below) ** 2
            eye = np.sqrt(near + (self.y - front) ** 2) - radius
            result.append((eye, np.sqrt(near + (self.y - front - 0.75 * radius) ** 2) - 4))
        return result

    def cord(self) -> tuple[np.ndarray, np.ndarray]:
        """Distances to the spinal canal and the cord, cylinders below the middle of the brain's lowest part."""
        middle = self.small & (np.abs(self.x) < 16)
        lowest = np.flatnonzero(middle.any(axis=(0, 1)))[:2] if middle.any() else [0]
        at = np.argwhere(middle[:, :, lowest].any(axis=2))
        i, j = at.mean(axis=0).round().astype(int) if len(at) else (s // 2 for s in self.small.shape[:2])
        lean = self.rng.uniform(-0.3, 0.1)
        top = self.z[0, 0, lowest[-1]]
        path = self.y - self.y[0, j, 0] - lean * (self.z - top)
        away = np.hypot(self.x - self.x[i, 0, 0], path)
        cord = self.rng.uniform(5, 8)
        below = self.z - top
        canal = np.maximum(away - cord - self.rng.uniform(2, 6), below)
        return canal, np.maximum(away - cord, below)


def _without_rim(brain: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """A stripped T1 brain without the dark fluid around it, which some strip and some leave; its sulci stay closed."""
    inside: np.ndarray = ndimage.binary_fill_holes(brain != 0)
    tissue = inside & (brain > RIM * np.quantile(brain[inside], 0.9))
    near = ndimage.distance_transform_edt(~tissue, spacing) <= SULCUS_MM
    hull = (ndimage.distance_transform_edt(np.pad(near, 1), spacing) > SULCUS_MM)[1:-1, 1:-1, 1:-1]
    result: np.ndarray = ndimage.binary_fill_holes((hull | tissue) & inside)
    return result


def _with_room(brain: MetaTensor) -> MetaTensor:
    """The box of a brain with the margins of a head around it, with the affine that belongs to it."""
    values, affine = brain.as_tensor().float(), brain.affine.clone().double()
    spacing = np.linalg.norm(affine.numpy()[:3, :3], axis=0)
    found = [torch.nonzero((values != 0).any(0).any(dim=a).any(dim=b))[:, 0] for a, b in ((2, 1), (2, 0), (1, 0))]
    starts, sizes = [int(at[0]) for at in found], [int(at[-1] - at[0]) + 1 for at in found]
    room = [(round(first / step), round(last / step)) for step, (first, last) in zip(spacing, MARGINS_MM, strict=True)]
    result = torch.zeros(1, *(n + sum(more) for n, more in zip(sizes, room, strict=True)))
    inner = [slice(before, before + n) for n, (before, _) in zip(sizes, room, strict=True)]
    box = [slice(start, start + n) for start, n in zip(starts, sizes, strict=True)]
    result[0, inner[0], inner[1], inner[2]] = values[0, box[0], box[1], box[2]]
    shift = torch.tensor([start - before for start, (before, _) in zip(starts, room, strict=True)]).double()
    affine[:3, 3] += affine[:3, :3] @ shift
    return MetaTensor(result, affine=affine)
