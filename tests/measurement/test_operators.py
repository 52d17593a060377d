"""The measurement operator: adjoint, gram, against a dense matrix and against SigPy."""

import numpy as np
import pytest
import torch
from dense_problems import coil_maps, complex_randn, dense, mask_of, operator_of

from monai_gan_recon.measurement import KData, SenseOperator, fft2c, gram, normal_operator

SIZES = [(32, 48), (33, 47)]
KINDS = ["columns", "rows", "points"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coils", [0, 1, 2, 8])
def test_adjoint_in_single_precision(coils, kind, size):
    """<A x, y> = <x, A^H y>, relative to the norms of both sides."""
    operator = operator_of(coils, kind, size, torch.complex64)
    x, y = complex_randn(1, *size), complex_randn(1, max(coils, 1), *size, seed=1)
    measured, image = operator.forward(x), operator.adjoint(y)
    left, right = torch.vdot(y.flatten(), measured.flatten()), torch.vdot(image.flatten(), x.flatten())
    assert (left - right).abs() < 1e-5 * measured.norm() * y.norm()
    torch.testing.assert_close(operator.gram(x), operator.adjoint(measured), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coils", [0, 1, 3])
def test_equals_a_dense_matrix(coils, kind):
    size = (16, 16)
    operator = operator_of(coils, kind, size)
    matrix, x = dense(operator, size), complex_randn(1, *size, dtype=torch.complex128)
    torch.testing.assert_close(operator.gram(x).flatten(), matrix.mH @ matrix @ x.flatten())
    y = complex_randn(1, max(coils, 1), *size, dtype=torch.complex128)
    torch.testing.assert_close(operator.adjoint(y).flatten(), matrix.mH @ y.flatten())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("coils", [1, 4])
def test_equals_sigpys_sense(coils, size):
    linop = pytest.importorskip("sigpy.mri.linop")
    mask, maps = mask_of("points", size), coil_maps(coils, size)
    theirs = linop.Sense(maps[0].numpy(), weights=mask[0].numpy().astype(np.float32))
    operator, x, y = (
        SenseOperator(mask, maps),
        complex_randn(1, *size),
        complex_randn(1, coils, *size, seed=1),
    )
    for ours, wanted in (
        (operator.forward(x)[0], theirs * x[0].numpy()),
        (operator.adjoint(y)[0], theirs.H * y[0].numpy()),
        (operator.gram(x)[0], theirs.H * (theirs * x[0].numpy())),
    ):
        assert (ours - torch.from_numpy(wanted)).norm() < 1e-4 * ours.norm()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kind", "axes"), [("columns", [-1]), ("rows", [-2]), ("points", [-2, -1])])
def test_lines_are_transformed_along_one_axis(kind, axes, size):
    assert normal_operator(mask_of(kind, size)).axes == axes


def test_a_batch_has_masks_of_its_own():
    size = (33, 47)
    masks = torch.cat([mask_of(kind, size) for kind in KINDS])
    x, maps = complex_randn(3, *size), coil_maps(2, size).expand(3, -1, -1, -1)
    together = gram(x, normal_operator(masks, maps))
    for i in range(3):
        alone = gram(x[i : i + 1], normal_operator(masks[i : i + 1], maps[:1]))
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("coils", [0, 1, 3])
def test_everything_measured_by_normalised_coils_is_the_identity(coils):
    x = complex_randn(1, 18, 21)
    operator = SenseOperator(torch.ones(1, 1, 18, 21), coil_maps(coils, (18, 21)))
    torch.testing.assert_close(operator.gram(x), x, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(operator.adjoint(operator.forward(x)), x, rtol=1e-5, atol=1e-5)


def test_a_known_phase_is_part_of_the_operator():
    """A of an object with phase is A' of the object without, for one coil and for several."""
    size = (20, 24)
    phase = torch.polar(torch.ones(1, *size), torch.randn(1, *size))
    real = torch.rand(1, *size).to(torch.complex64)
    for coils in (0, 2):
        operator = operator_of(coils, "points", size, torch.complex64)
        kspace = operator.forward(real * phase)
        known = KData(kspace, operator.mask, operator.maps).with_phase(phase)
        torch.testing.assert_close(known.operator.forward(real), kspace)
        torch.testing.assert_close(known.adjoint(), KData(kspace, operator.mask, operator.maps).adjoint() / phase)


def test_one_coil_of_sensitivity_one_is_no_coil():
    size = (17, 22)
    mask, x = mask_of("rows", size), complex_randn(1, *size)
    with_maps = SenseOperator(mask, torch.ones(1, 1, *size, dtype=torch.complex64))
    torch.testing.assert_close(with_maps.forward(x), fft2c(x)[:, None] * mask)
    torch.testing.assert_close(with_maps.gram(x), SenseOperator(mask).gram(x))


def test_sizes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"\(16, 20\)"):
        SenseOperator(torch.ones(1, 16, 20)).forward(torch.zeros(1, 16, 16, dtype=torch.complex64))
    with pytest.raises(ValueError, match="mask"):
        SenseOperator(torch.ones(16, 16))
    with pytest.raises(ValueError, match=r"\(16, 20\)"):
        SenseOperator(torch.ones(1, 16, 16), torch.ones(2, 16, 20, dtype=torch.complex64))
